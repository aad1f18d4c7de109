import type { AskedRequest } from '../domain/asked-request.ts';
import type { RefusalReason } from '../domain/refusal.ts';
import type { SeenPool } from '../domain/seen-pools.ts';
import type { AuditFilter } from './event-reader.ts';

/** A request that was refused, as it is kept. */
export interface RefusedRequest extends Omit<AskedRequest, 'channel' | 'customerRef'> {
  readonly isOfCustomer: boolean;
  readonly seen: readonly SeenPool[];
}

/** What was refused to an exchange for one reason, as it was the last time. */
export interface RefusedReserve {
  readonly exchangeId: string;
  readonly reason: RefusalReason;
  readonly message: string;
  /** The numbers seen then. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly channel: string;
  readonly actor: string;
  readonly actorType: string;
  readonly ruleVersion: number;
  /** How often it was refused for this reason. */
  readonly times: number;
  /** Milliseconds since the Unix epoch by the database's clock, the first time and the last. */
  readonly firstAt: number;
  readonly refusedAt: number;
  readonly traceId: string;
}

/** With the request and the pools its decision saw; null where neither rules nor stock could have decided otherwise. */
export interface RefusedWithRequest extends RefusedReserve {
  readonly asked: RefusedRequest | null;
}

/** Where a page of them ends. */
export type RefusalPosition = Pick<RefusedReserve, 'refusedAt' | 'exchangeId' | 'reason'>;

export interface Refusals {
  /** Those an exchange has, newest first: at most one for each reason. */
  ofExchange(exchangeId: string): Promise<readonly RefusedWithRequest[]>;
  /**
   * Oldest first.
   * @returns at most `limit`, and where to go on, or null at the end
   */
  list(
    filter: AuditFilter,
    after: RefusalPosition | null,
    limit: number,
  ): Promise<{ readonly rows: readonly RefusedReserve[]; readonly next: RefusalPosition | null }>;
  /** Deletes those whose last time is longer ago than this, in milliseconds, at most `limit`. Answers how many. */
  prune(olderThanMs: number, limit: number): Promise<number>;
}
