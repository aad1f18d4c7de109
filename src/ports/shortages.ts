import type { PoolRef } from '../domain/working-set.ts';
import type { Page, PageRequest } from '../ports.ts';

/** A line hit by a shortage. */
export interface ShortageVictim {
  readonly trackingId: string;
  readonly lineNumber: number;
  /** Units it lacks; of a closed shortage the most it lacked. */
  readonly quantity: number;
}

/** Promised units of a pool that are not there, from when it arose until stock recovered. */
export interface Shortage extends PoolRef {
  readonly shortageId: string;
  /** Units missing; of a closed shortage the most there were. */
  readonly quantity: number;
  /** Lowest priority first, then newest; at most `VICTIMS_LISTED_MAX`. */
  readonly victims: readonly ShortageVictim[];
  /** Units of it for which no line was chosen yet. */
  readonly unnamed: number;
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number;
  readonly closedAt: number | null;
}

export interface ShortageFilter {
  /** Empty means all. */
  readonly skus: readonly string[];
  readonly warehouses: readonly string[];
  readonly includeClosed: boolean;
}

export interface Shortages {
  /** Newest first. @throws InvalidPageToken */
  list(filter: ShortageFilter, page: PageRequest): Promise<Page<Shortage>>;
  /** Pools where lines are still to be chosen, given their units back or held elsewhere, at most `limit`. */
  unsettled(limit: number): Promise<readonly PoolRef[]>;
}
