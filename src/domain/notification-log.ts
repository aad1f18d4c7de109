import type { Notice, Notification } from './notification.ts';

/** The notifications that one unit of work has read, and what it adds to them. */
export class NotificationLog {
  /** Notices that no transition tells of; those of transitions are made of these. */
  readonly added: Notice[] = [];
  readonly #known: Map<string, Notification>;
  readonly #seen = new Map<string, Notification>();

  constructor(known: readonly Notification[]) {
    this.#known = new Map(known.map((one) => [one.notificationId, one]));
  }

  /** Those acknowledged in this unit. */
  get acknowledged(): readonly Notification[] {
    return [...this.#seen.values()];
  }

  get(notificationId: string): Notification | null {
    return this.#seen.get(notificationId) ?? this.#known.get(notificationId) ?? null;
  }

  add(notice: Notice): void {
    this.added.push(notice);
  }

  /** Marks one as seen; who saw it first stands. */
  acknowledge(found: Notification, by: string, now: number): Notification {
    if (found.acknowledgedAt !== null) return found;
    const seen = { ...found, acknowledgedAt: now, acknowledgedBy: by };
    this.#seen.set(found.notificationId, seen);
    return seen;
  }
}
