import type { Belonging, DecidedRequests, IdleUnits, KpiGrouping, ResolvedCase } from '../domain/kpi.ts';
import type { Page, PageRequest } from '../ports.ts';

/** What KPIs are asked of. An empty text means any. */
export interface KpiFilter {
  /** Milliseconds since the Unix epoch, included. */
  readonly from: number;
  /** Milliseconds since the Unix epoch, not included. */
  readonly until: number;
  /** With units that are or were held in this warehouse; with a SKU, units of it. */
  readonly warehouse: string;
  readonly channel: string;
  /** With a line of this SKU at the end, or units of it that were held before. */
  readonly sku: string;
}

/** Which of the resolved reservations are listed. */
export type KpiSelection = 'RESOLVED' | 'STOCK_ERRORS' | 'MANUAL_INTERVENTIONS' | 'EXPIRED';

/** Part of what was asked for, of one read. */
export interface KpiChunk<T extends Belonging> {
  readonly rows: readonly T[];
  /** Rows looked at, whether or not they were meant. */
  readonly lookedAt: number;
}

/**
 * Reads what KPIs are made of from the ledger, in bounded chunks that each see what is committed when they are read: no
 * snapshot lasts longer than its chunk. SKUs and warehouses are told only where the grouping is by them.
 */
export interface KpiReader {
  /** The database's clock, in milliseconds since the Unix epoch. */
  now(): Promise<number>;
  /** Reservations resolved in the period, the earliest first. */
  resolved(filter: KpiFilter, grouping: KpiGrouping | null): AsyncIterable<KpiChunk<ResolvedCase>>;
  /** Requests decided in the period; a refused one counts at the last time it was refused. */
  decided(filter: KpiFilter, grouping: KpiGrouping | null): AsyncIterable<KpiChunk<DecidedRequests>>;
  /**
   * Units held now by reservations whose last event is before an instant.
   * @param unchangedSince milliseconds since the Unix epoch
   */
  idle(filter: KpiFilter, unchangedSince: number): AsyncIterable<KpiChunk<IdleUnits>>;
  /**
   * Reservations resolved in the period, the latest first. A page may hold fewer than asked for, or none: only the lack of
   * a next one is the end.
   * @throws InvalidPageToken
   */
  list(filter: KpiFilter, selection: KpiSelection, page: PageRequest): Promise<Page<ResolvedCase>>;
}
