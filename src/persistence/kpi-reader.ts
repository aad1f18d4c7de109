import type { Pool, QueryResultRow } from 'pg';
import { type DecidedRequests, type IdleUnits, isStockError, type ResolvedCase } from '../domain/kpi.ts';
import type { ResolvedState } from '../domain/reservation.ts';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { KpiChunk, KpiFilter, KpiReader, KpiSelection } from '../ports/kpi-reader.ts';
import type { Page, PageRequest } from '../ports.ts';
import {
  type CandidateRow,
  type HistoryRow,
  historyStatement,
  type IdleRow,
  idleStatement,
  KPI_CHUNK_SIZE,
  type KpiPosition,
  madeStatement,
  type RefusedRow,
  refusedStatement,
  resolvedStatement,
} from './kpi-statements.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { isUuid } from './plan.ts';
import { millis, NOW, type Statement } from './statements.ts';

/** @param chunkSize rows of one read, 1 or more */
export function createKpiReader(pool: Pool, chunkSize = KPI_CHUNK_SIZE): KpiReader {
  return {
    async now() {
      const [row] = await query<{ now: number }>(pool, {
        name: 'kpi-now',
        text: `select ${millis(NOW)} as now`,
        values: [],
      });
      if (row === undefined) throw new TypeError('the clock always answers');
      return row.now;
    },
    async *resolved(filter, grouping) {
      for await (const candidates of walk((after) => resolvedStatement(filter, grouping, after, chunkSize), pool)) {
        yield { rows: await withHistories(pool, candidates), lookedAt: candidates.length };
      }
    },
    async *decided(filter, grouping) {
      for await (const made of walk((after) => madeStatement(filter, grouping, after, chunkSize), pool)) {
        const meant = made.filter((row) => row.is_meant);
        yield { rows: meant.map((row) => ({ ...row, made: 1, refused: 0, noStock: 0 })), lookedAt: made.length };
      }
      yield* refused(pool, filter, chunkSize);
    },
    idle: (filter, unchangedSince) => idle(pool, filter, unchangedSince, chunkSize),
    list: (filter, selection, page) => list(pool, filter, selection, page, chunkSize),
  };
}

async function query<T extends QueryResultRow>(pool: Pool, statement: Statement): Promise<T[]> {
  return (await pool.query<T>(statement)).rows;
}

/** Chunk after chunk of reservations, each from where the one before ended. */
async function* walk(
  statementAfter: (after: KpiPosition | null) => Statement,
  pool: Pool,
): AsyncGenerator<CandidateRow[]> {
  for (let after: KpiPosition | null = null; ; ) {
    const rows: CandidateRow[] = await query<CandidateRow & QueryResultRow>(pool, statementAfter(after));
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = { at: last.at, reservationId: last.reservation_id };
  }
}

async function withHistories(pool: Pool, candidates: readonly CandidateRow[]): Promise<ResolvedCase[]> {
  const meant = candidates.filter((row) => row.is_meant);
  if (meant.length === 0) return [];
  const ids = meant.map((row) => row.reservation_id);
  const histories = await query<HistoryRow & QueryResultRow>(pool, historyStatement(ids));
  const byId = new Map(histories.map((history) => [history.reservation_id, history]));
  return meant.map((row) => toCase(row, byId.get(row.reservation_id)));
}

/** A reservation without events has no history to tell; verifying the ledger names it. */
function toCase(row: CandidateRow, history: HistoryRow | undefined): ResolvedCase {
  return {
    reservationId: row.reservation_id,
    trackingId: row.tracking_id,
    state: row.state as ResolvedState,
    at: row.at,
    channel: row.channel,
    skus: row.skus,
    warehouses: row.warehouses,
    reservedAt: history?.reserved_at ?? null,
    readyAt: history?.ready_at ?? null,
    waitMs: history?.wait_ms ?? null,
    isShort: (history?.is_short ?? false) || row.release_reason === 'SHORT_PICKED',
    isManual: history?.is_manual ?? false,
  };
}

async function* refused(pool: Pool, filter: KpiFilter, size: number): AsyncGenerator<KpiChunk<DecidedRequests>> {
  const { channel, sku, warehouse } = filter;
  for (let after: RefusedRow | null = null; ; ) {
    const rows: RefusedRow[] = await query<RefusedRow & QueryResultRow>(pool, refusedStatement(filter, after, size));
    const meant = rows.filter(
      (row) =>
        (channel === '' || row.channel === channel) &&
        (sku === '' || row.sku === sku) &&
        (warehouse === '' || row.warehouse === warehouse),
    );
    yield { rows: meant.map(toRequests), lookedAt: rows.length };
    after = rows.at(-1) ?? null;
    if (rows.length < size || after === null) return;
  }
}

function toRequests({ at, channel, sku, warehouse, times, reason }: RefusedRow): DecidedRequests {
  const named = (name: string) => (name === '' ? [] : [name]);
  const noStock = reason === 'NO_STOCK' ? times : 0;
  return { at, channel, skus: named(sku), warehouses: named(warehouse), made: 0, refused: times, noStock };
}

async function* idle(
  pool: Pool,
  filter: KpiFilter,
  unchangedSince: number,
  size: number,
): AsyncGenerator<KpiChunk<IdleUnits>> {
  for (let after: string | null = ''; after !== null; ) {
    const rows: IdleRow[] = await query<IdleRow & QueryResultRow>(
      pool,
      idleStatement(filter, unchangedSince, after, size),
    );
    const lookedAt: number = rows[0]?.looked_at ?? 0;
    yield { rows: rows.flatMap(toIdle), lookedAt };
    after = lookedAt < size ? null : (rows[0]?.last ?? null);
  }
}

function toIdle({ channel, sku, warehouse, units }: IdleRow): IdleUnits[] {
  return channel === null ? [] : [{ at: null, channel, skus: [sku], warehouses: [warehouse], units }];
}

const SELECTED: Readonly<Record<KpiSelection, (one: ResolvedCase) => boolean>> = {
  RESOLVED: () => true,
  STOCK_ERRORS: isStockError,
  MANUAL_INTERVENTIONS: (one) => one.isManual,
  EXPIRED: (one) => one.state === 'EXPIRED',
};

/** One chunk is looked at for a page, so that a rare kind is found over several pages instead of in a very late one. */
async function list(
  pool: Pool,
  filter: KpiFilter,
  selection: KpiSelection,
  page: PageRequest,
  chunkSize: number,
): Promise<Page<ResolvedCase>> {
  const bound = [selection, filter.channel, filter.sku, filter.warehouse];
  const after = positionOf(readPageToken(bound, page.token, 2));
  const limit = Math.max(chunkSize, page.size + 1);
  const candidates = await query<CandidateRow & QueryResultRow>(
    pool,
    resolvedStatement(filter, null, after, limit, 'desc'),
  );
  const found = (await withHistories(pool, candidates)).filter(SELECTED[selection]);
  const rows = found.slice(0, page.size);
  const lastRow = candidates.at(-1);
  const lastLookedAt = lastRow === undefined ? null : { at: lastRow.at, reservationId: lastRow.reservation_id };
  const next = found.length > page.size ? rows.at(-1) : candidates.length < limit ? null : lastLookedAt;
  return { rows, nextPageToken: next == null ? '' : makePageToken(bound, [String(next.at), next.reservationId]) };
}

function positionOf(parts: readonly string[] | null): KpiPosition | null {
  if (parts === null) return null;
  const [at = '', reservationId = ''] = parts;
  if (!/^\d{1,15}$/.test(at) || !isUuid(reservationId)) throw new InvalidPageToken();
  return { at: Number(at), reservationId };
}
