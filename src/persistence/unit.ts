import type { PoolClient } from 'pg';
import { BrokenInvariant, type Refusal } from '../domain/refusal.ts';
import { EXCHANGE_MAXIMUM } from '../domain/requested-line.ts';
import { fulfilledUnits, isLive, reservedUnits } from '../domain/reservation.ts';
import type { RecordedTransition } from '../domain/working-set.ts';
import type { Command, Ids, Outcome } from '../ports.ts';
import type { CatalogCache } from './catalog-cache.ts';
import { readKnownClaims, settleClaims } from './claims.ts';
import { type DecidedUnit, decideUnit } from './decide-unit.ts';
import { DUE_LOOKED_AT_FIRST_MAX, DUE_LOOKED_AT_MAX } from './due-reservations.ts';
import { classifyFailure, sqlState } from './failures.ts';
import { type LoadedUnit, lockAndLoad } from './load.ts';
import { claimKey } from './locks.ts';
import { type Extra, planLocks } from './plan.ts';
import { refusalStatements } from './refusal-writes.ts';
import { pipeline, rowsOf, type Statement } from './statements.ts';
import { withVictims } from './victims.ts';
import { type NoticeRow, writeStatements } from './writes.ts';

/** What one try of a unit came to. */
export type Attempt =
  | CommittedUnit
  /** Rolled back: the whole unit must be tried again with more rows. */
  | { readonly kind: 'widen'; readonly extra: Extra }
  /** The connection was lost while COMMIT was under way: only the transaction's own id tells what became of it. */
  | { readonly kind: 'in-doubt'; readonly unit: CommittedUnit; readonly xid: string; readonly error: unknown };

export interface CommittedUnit {
  readonly kind: 'committed';
  readonly decided: DecidedUnit;
  /** What the commit made true. */
  readonly transitions: readonly RecordedTransition[];
}

/** SQLSTATE for the id of a transaction that the server has not begun, or not since it crashed. */
const FUTURE_XID = '22023';

/** How often one try reads whose units of short pools are missing; each time it has found more pools, or needs more. */
const VICTIM_READS_MAX = 5;

/**
 * How many due reservations one unit expires before anything else, though nobody needs their units: where very many
 * are due, callers would wait for them, and the sweep comes for them anyway.
 */
const DUE_EXPIRED_FIRST_MAX = 16;

const COMMIT: Statement = { name: 'commit', text: 'commit', values: [] };

/**
 * One transaction: plan, lock and load, decide, write, commit. Throws what PostgreSQL throws, after a roll back.
 * The caller owns the connection and retries.
 */
export async function attemptUnit(
  client: PoolClient,
  commands: readonly Command[],
  extra: Extra,
  deps: {
    /** Decides on the rows it has rather than widening for due reservations once more. */
    readonly isLastTry: boolean;
    readonly ids: Ids;
    readonly cache: CatalogCache;
  },
): Promise<Attempt> {
  const locks = await planLocks(client, commands, {
    ...extra,
    customers: extra.customers || deps.cache.countsCustomers,
  });
  try {
    let loaded = await lockAndLoad(client, commands, locks, dueLookedAt(extra), deps.cache);
    if (loaded.isUncounted) return await widen(client, { ...extra, customers: true });
    const locked = new Set(locks.reservationIds);
    const due = loaded.dueIds.filter((id) => !locked.has(id));
    const newest = newestOfExchanges(commands, loaded).filter((id) => !locked.has(id));
    const withMore = (ids: readonly string[]): Extra => ({
      ...extra,
      reservationIds: new Set([...extra.reservationIds, ...ids, ...newest, ...loaded.swappedIds]),
      dueFound: extra.dueFound || due.length > 0,
    });
    const oldest = loaded.dueIds.slice(0, DUE_EXPIRED_FIRST_MAX).filter((id) => !locked.has(id));
    const isOutgrown = newest.length > 0 || loaded.swappedIds.length > 0 || loaded.hasNewPools;
    if (isOutgrown || (oldest.length > 0 && !extra.dueFound)) return await widen(client, withMore(oldest));
    const larger = withMore(due);
    const known = await readKnownClaims(client, commands, loaded.claimed);
    let decided = decideUnit(commands, loaded.work, known);
    for (let reads = 0; loaded.work.shortages.wanted.size > 0; reads += 1) {
      if (reads >= VICTIM_READS_MAX) return await widen(client, extra);
      loaded = await withVictims(client, loaded, loaded.work.shortages.wanted, deps.cache);
      decided = decideUnit(commands, loaded.work, known);
    }
    if (!deps.isLastTry && isHeldUp(decided)) {
      const isHidden = mayHideDue(loaded, extra);
      const deepDue = extra.deepDue || (isHidden && extra.dueFound);
      if (due.length > 0 || isHidden) return await widen(client, { ...larger, dueFound: true, deepDue });
    }
    // Whose turn it is was only known once it was decided; on the last try the next unit or the worker serves them.
    const { unlocked } = loaded.work.waitlist;
    if (!deps.isLastTry && unlocked.size > 0) {
      return await widen(client, { ...larger, reservationIds: new Set([...larger.reservationIds, ...unlocked]) });
    }
    const statements = statementsOf(loaded, decided, deps.ids);
    const unit: CommittedUnit = { kind: 'committed', decided, transitions: loaded.work.transitions };
    return await writeAndCommit(client, statements, unit, loaded.xid);
  } catch (error) {
    await rollback(client);
    throw error;
  }
}

async function widen(client: PoolClient, extra: Extra): Promise<Attempt> {
  await rollback(client);
  return { kind: 'widen', extra };
}

/**
 * The newest reservations of the exchanges that commands are about to decide on. The whole unit waits for them: were
 * only their commands put back, later ones of the same caller would be decided before them.
 */
function newestOfExchanges(commands: readonly Command[], loaded: LoadedUnit): string[] {
  const ids = new Set<string>();
  for (const command of commands) {
    if (command.claim !== null && !loaded.claimed.has(claimKey(command))) continue;
    const { exchanges, targets } = command.needs;
    const named = targets.filter((target) => target.by === 'exchange').map((target) => target.id);
    for (const exchangeId of [...exchanges.map((one) => one.exchangeId), ...named]) {
      const state = loaded.exchanges.get(exchangeId);
      if (state?.created === false && state.reservationId !== null) ids.add(state.reservationId);
    }
  }
  return [...ids];
}

/** Where very many reservations are due, those of a pool may lie beyond the ones looked at: then look deeper. */
function mayHideDue(loaded: LoadedUnit, extra: Extra): boolean {
  return !extra.deepDue && loaded.dueLookedAt >= dueLookedAt(extra);
}

/** Few at first, as nobody may need them; then many, then all of the pools themselves, which is 0. */
function dueLookedAt(extra: Extra): number {
  if (extra.deepDue) return 0;
  return extra.dueFound ? DUE_LOOKED_AT_MAX : DUE_LOOKED_AT_FIRST_MAX;
}

/** Whether a command got less than it asked for, so that a due reservation not yet expired may be what is in its way. */
function isHeldUp(decided: DecidedUnit): boolean {
  return [...decided.outcomes].some(([{ needs }, outcome]) => {
    if (!outcome.ok) return isForWantOfUnits(outcome.refusal);
    const made = outcome.answer.kind === 'reservation' ? outcome.answer.reservation : null;
    const lines = needs.skus.length > 0 && made !== null && isLive(made) ? made.lines : [];
    return lines.some(
      (line) => line.substitutedFor !== undefined || reservedUnits(line) + fulfilledUnits(line) < line.quantity,
    );
  });
}

function isForWantOfUnits({ reason, metadata }: Refusal): boolean {
  return ['NO_STOCK', 'ORDER_LINE_EXHAUSTED'].includes(reason) || metadata.limit === EXCHANGE_MAXIMUM;
}

function statementsOf(loaded: LoadedUnit, decided: DecidedUnit, ids: Ids): Statement[] {
  return [
    ...writeStatements({
      work: loaded.work,
      ids,
      lastHashes: loaded.lastHashes,
      exchanges: loaded.exchanges,
      createdOrderLines: loaded.createdOrderLines,
      createdCustomers: loaded.createdCustomers,
      notices: noticesOf(decided.outcomes),
    }),
    ...refusalStatements(decided.outcomes, loaded.work),
    ...settleClaims(decided.outcomes, decided.deferred, loaded.claimed),
  ];
}

/**
 * Writes and commits in one round trip: where a statement fails, the server answers the COMMIT after it by rolling
 * back. A transaction without an id has locked nothing, so it can only announce verdicts once more and may be repeated
 * whatever became of it.
 */
async function writeAndCommit(
  client: PoolClient,
  statements: readonly Statement[],
  unit: CommittedUnit,
  xid: string | null,
): Promise<Attempt> {
  try {
    const results = await pipeline(client, 'write and commit', [...statements, COMMIT]);
    const command = results.at(-1)?.command;
    if (command !== 'COMMIT') throw new BrokenInvariant(`COMMIT was answered by ${command}`);
    return unit;
  } catch (error) {
    if (xid === null || classifyFailure(error) !== 'connection') throw error;
    return { kind: 'in-doubt', unit, xid, error };
  }
}

/**
 * What became of a transaction whose commit was not answered. A server that crashed may have forgotten its id, and may
 * have given it to another since: so only what the transaction itself would have kept proves that it was committed. One
 * that keeps no request id is repeated, which does no harm.
 */
export async function readFate(
  client: PoolClient,
  xid: string,
  outcomes: DecidedUnit['outcomes'],
): Promise<'committed' | 'aborted' | 'in progress'> {
  const kept = [...outcomes].flatMap(([{ caller, claim }, outcome]) =>
    claim !== null && outcome.ok && !outcome.replayed ? [{ principal: caller.principal, ...claim }] : [],
  );
  try {
    const [result] = await pipeline(client, 'read fate', [
      {
        name: 'read-fate',
        text: `select pg_xact_status($1::text::xid8) as status, exists (
            select 1 from unnest($2::text[], $3::text[], $4::text[]) as kept (principal, method, request_id)
            join request_claim c using (principal, method, request_id)
            where c.xmin::text::bigint = $1::text::bigint % 4294967296) as is_kept`,
        values: [
          xid,
          kept.map((claim) => claim.principal),
          kept.map((claim) => claim.method),
          kept.map((claim) => claim.requestId),
        ],
      },
    ]);
    const [row] = rowsOf<{ status: string | null; is_kept: boolean }>(result);
    if (row?.status === 'in progress') return 'in progress';
    return row?.status === 'committed' && row.is_kept ? 'committed' : 'aborted';
  } catch (error) {
    if (sqlState(error) === FUTURE_XID) return 'aborted';
    throw error;
  }
}

/** Verdicts to announce: only those decided here, since a repeated message was answered before. */
function noticesOf(outcomes: ReadonlyMap<Command, Outcome>): NoticeRow[] {
  const rows: NoticeRow[] = [];
  for (const [command, outcome] of outcomes) {
    if (command.notice === undefined || !outcome.ok || outcome.answer.kind !== 'verdict') continue;
    const trace = command.trace;
    const traceparent = trace === null ? '' : `00-${trace.traceId}-${trace.spanId}-0${trace.traceFlags & 1}`;
    rows.push({ notice: command.notice, verdict: outcome.answer.verdict, traceparent });
  }
  return rows;
}

/** A roll back on a broken connection cannot do harm: the server has rolled back already. */
async function rollback(client: PoolClient): Promise<void> {
  await client.query('rollback').catch(() => undefined);
}
