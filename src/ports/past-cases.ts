import type { PastCase } from '../domain/past-case.ts';

/** Which cases are meant. */
export interface CaseFilter {
  /** Milliseconds since the Unix epoch, included; null means from the beginning. */
  readonly from: number | null;
  /** Milliseconds since the Unix epoch, not included; null means up to the instant the walk begins. */
  readonly until: number | null;
  /** Only live reservations: nothing that is resolved or was refused. */
  readonly liveOnly: boolean;
  /** What the walk is for; a token of another walk is refused. */
  readonly about: string;
}

/** A walk over cases in one order, which may be left off and gone on with. */
export interface CaseWalk {
  /** All cases of the walk, counted when it began. */
  readonly total: number;
  /** Where the walk goes on; empty at its end. */
  readonly token: string;
  /** The next cases, at most `limit`; none at the end. Each read is one statement on a snapshot of its own. */
  next(limit: number): Promise<readonly PastCase[]>;
}

/** Requests as they were once decided: reservations, then refusals. */
export interface PastCases {
  /**
   * @param token where an earlier walk was left off; empty begins a new one
   * @param countLive whether the live reservations that each customer had then are counted
   * @throws InvalidPageToken
   */
  walk(filter: CaseFilter, token: string, countLive: boolean): Promise<CaseWalk>;
  /** The requests that made reservations, in no order; ids that name none are left out. */
  ofReservations(reservationIds: readonly string[], countLive: boolean): Promise<readonly PastCase[]>;
  /** Erases the facts of requests that are kept apart and older than this, in milliseconds, at most `limit`. */
  prune(olderThanMs: number, limit: number): Promise<number>;
}
