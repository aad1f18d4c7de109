import type { Notification, NotificationKind } from '../domain/notification.ts';
import type { Page, PageRequest } from '../ports.ts';

export interface NotificationFilter {
  /** Empty means every kind. */
  readonly kinds: readonly NotificationKind[];
  readonly trackingId: string;
  readonly exchangeId: string;
  /** Also those that were acknowledged. */
  readonly includeAcknowledged: boolean;
}

export interface Notifications {
  /** Newest first. @throws InvalidPageToken */
  list(filter: NotificationFilter, page: PageRequest): Promise<Page<Notification>>;
  /** Deletes those that arose longer ago than this, in milliseconds, at most `limit`. Answers how many. */
  prune(olderThanMs: number, limit: number): Promise<number>;
}
