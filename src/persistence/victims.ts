import type { PoolClient } from 'pg';
import type { Reservation } from '../domain/reservation.ts';
import type { RuleSet } from '../domain/rule-book.ts';
import { VICTIMS_MAX } from '../domain/shortage-book.ts';
import { poolKey } from '../domain/stock-level.ts';
import { isLost, NO_UNITS, type StockUnits, type UnitRows } from '../domain/stock-units.ts';
import type { PoolVictims, Standing } from '../domain/victims.ts';
import { WorkingSet } from '../domain/working-set.ts';
import type { CatalogCache } from './catalog-cache.ts';
import { DUE_RESERVATIONS, IS_DUE } from './due-reservations.ts';
import type { LoadedUnit } from './load.ts';
import { lockReservations } from './locks.ts';
import { type AllocationRow, type ReservationRow, toReservations } from './rows.ts';
import { pipeline, rowsOf, type Statement } from './statements.ts';
import { addUnits } from './unit-rows.ts';

/** Lines that one unit reads for all its short pools together, in each direction. */
const LINES_MAX = 2_048;

interface WantedPool {
  readonly key: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly limit: number;
}

interface LackingRow {
  readonly sku: string;
  readonly warehouse: string;
  readonly due: number;
  readonly short: number;
  readonly missing: number;
}

interface LineRow {
  readonly sku: string;
  readonly warehouse: string;
  readonly reservation_id: string;
  readonly line_number: number;
  readonly priority: number;
  /** Units that are neither picked nor lacking. */
  readonly free: number;
}

/**
 * Reads who may lose and who may recover units of short pools, locks these reservations, and makes the working set anew
 * with them. The pools are locked already, so no line of theirs can change meanwhile; and whoever else locks one of these
 * reservations must have locked its pools before, so that none waits in a circle.
 */
export async function withVictims(
  client: PoolClient,
  loaded: LoadedUnit,
  wanted: ReadonlyMap<string, number>,
  cache: CatalogCache,
): Promise<LoadedUnit> {
  const pools = wantedPools(loaded, wanted);
  const serial = pools.filter((pool) => loaded.work.units.isRead(pool.sku));
  const counted = pools.filter((pool) => !serial.includes(pool));
  const known = new Set(loaded.rows.reservations.map((one) => one.reservationId));
  const [lackingResult, losingResult, recoveringResult, lostResult] = await pipeline(client, 'read victims', [
    readLacking(pools, [...known]),
    readLosing(counted),
    readRecovering(pools),
    ...(serial.length === 0 ? [] : [readHoldersOfLost(serial, loaded.work.units)]),
  ]);
  const losing = byPool(rowsOf<LineRow & Record<string, unknown>>(losingResult));
  const recovering = byPool(rowsOf<LineRow & Record<string, unknown>>(recoveringResult));
  const lost = byPool(rowsOf<LineRow & Record<string, unknown>>(lostResult));
  const exhausted = counted.filter((pool) => isExhausted(pool, losing.get(pool.key) ?? []));
  const picked = exhausted.length === 0 ? [] : await pipeline(client, 'read picked', [readPicked(exhausted)]);
  const pickedLines = byPool(rowsOf<LineRow & Record<string, unknown>>(picked[0]));
  const ids = new Set([losing, recovering, pickedLines, lost].flatMap((map) => [...map.values()].flat().map(idOf)));
  const added = await lockMore(
    client,
    loaded.rows.units,
    [...ids].filter((id) => !known.has(id)),
    serial,
  );
  const reservations = [...loaded.rows.reservations, ...added.reservations];
  const victims = new Map(loaded.rows.victims);
  for (const row of rowsOf<LackingRow & Record<string, unknown>>(lackingResult)) {
    const key = poolKey(row.sku, row.warehouse);
    const limit = pools.find((pool) => pool.key === key)?.limit ?? 0;
    const { short, missing } = lackingOf(loaded.rows.reservations, row);
    const all = { ...row, short: row.short + short, missing: row.missing + missing };
    const lists = { losing: losing.get(key) ?? lost.get(key), recovering: recovering.get(key) };
    victims.set(key, toVictims(all, limit, lists));
  }
  const earlierRules = await rulesOfVictims(client, loaded.rows, reservations, cache);
  const rows = { ...loaded.rows, reservations, victims, earlierRules, ...(added.units && { units: added.units }) };
  const lastHashes = new Map([...loaded.lastHashes, ...added.lastHashes]);
  return { ...loaded, rows, lastHashes, work: new WorkingSet(rows) };
}

/** What is lacking is cured, and who waits is served, by the rules of the reservation. */
async function rulesOfVictims(
  client: PoolClient,
  rows: LoadedUnit['rows'],
  reservations: readonly Reservation[],
  cache: CatalogCache,
): Promise<readonly RuleSet[]> {
  const known = new Set([rows.ruleSet, ...rows.earlierRules].map((set) => set.rules.version));
  const versions = new Set(reservations.map((one) => one.ruleVersion).filter((version) => !known.has(version)));
  if (versions.size === 0) return rows.earlierRules;
  return [...rows.earlierRules, ...(await cache.ruleSets(client, [...versions]))];
}

/** Where very many pools are short at once each gets its share, and the rest is left to later units. */
function wantedPools({ rows }: LoadedUnit, wanted: ReadonlyMap<string, number>): WantedPool[] {
  const keys = [...new Set([...rows.victims.keys(), ...wanted.keys()])];
  const share = Math.max(1, Math.floor(LINES_MAX / keys.length));
  return keys.map((key) => {
    const [sku = '', warehouse = ''] = key.split('\u0000');
    const lines = Math.max(wanted.get(key) ?? 0, rows.victims.get(key)?.limit ?? 0);
    return { key, sku, warehouse, limit: Math.min(lines, share, VICTIMS_MAX) };
  });
}

function toVictims(
  { due, short, missing }: LackingRow,
  limit: number,
  lists: {
    readonly losing: readonly LineRow[] | undefined;
    readonly recovering: readonly LineRow[] | undefined;
  },
): PoolVictims {
  const lastOf = (lines: readonly LineRow[] = []): Standing | null => {
    const last = lines.at(-1);
    if (last === undefined || lines.length < limit) return null;
    return { priority: last.priority, reservationId: last.reservation_id, lineNumber: last.line_number };
  };
  return {
    due,
    short,
    missing,
    limit,
    lastToLose: lastOf(lists.losing),
    lastToRecover: lastOf(lists.recovering),
  };
}

/** Whether all that is there and in nobody's hand was read, and less than may be wanted. */
function isExhausted({ limit }: WantedPool, lines: readonly LineRow[]): boolean {
  return lines.length < limit && lines.reduce((sum, line) => sum + line.free, 0) < limit;
}

/**
 * Locks reservations, with the serial units they hold of whatever item, since their events name all of them, and with
 * those that may take the place of lost ones.
 */
async function lockMore(
  client: PoolClient,
  units: UnitRows | undefined,
  ids: readonly string[],
  serial: readonly WantedPool[],
) {
  if (ids.length + serial.length === 0) {
    return { units, reservations: [], lastHashes: new Map<string, Uint8Array>() };
  }
  const results = ids.length === 0 ? [] : await pipeline(client, 'lock victims', lockReservations([...ids].sort()));
  const [reservations, found, hashes] = results;
  const rows = rowsOf<AllocationRow & Record<string, unknown>>(found);
  // By item, so the pool that may need most counts for all of it.
  const free = new Map(serial.toSorted((a, b) => a.limit - b.limit).map((pool) => [pool.sku, pool.limit]));
  const exact = await addUnits(client, units ?? NO_UNITS, { reservationIds: ids, allocations: rows, free });
  return {
    units: units === undefined ? undefined : exact.rows,
    reservations: toReservations(rowsOf<ReservationRow & Record<string, unknown>>(reservations), exact.allocations),
    lastHashes: new Map(
      rowsOf<{ reservation_id: string; hash: Buffer }>(hashes).map((row) => [
        row.reservation_id,
        row.hash as Uint8Array,
      ]),
    ),
  };
}

/** What the reservations that this unit had locked before lack; those of them that are due it expires itself. */
function lackingOf(reservations: readonly Reservation[], { sku, warehouse }: LackingRow) {
  const parts = reservations
    .flatMap((one) => one.lines.filter((line) => line.sku === sku).flatMap((line) => line.allocations))
    .filter((part) => part.warehouse === warehouse);
  const total = (pick: (part: (typeof parts)[number]) => number) => parts.reduce((sum, part) => sum + pick(part), 0);
  return { short: total((part) => part.short), missing: total((part) => part.missing ?? 0) };
}

function byPool(rows: readonly LineRow[]): Map<string, LineRow[]> {
  const lines = new Map<string, LineRow[]>();
  for (const row of rows) {
    const key = poolKey(row.sku, row.warehouse);
    const list = lines.get(key);
    if (list === undefined) lines.set(key, [row]);
    else list.push(row);
  }
  return lines;
}

function idOf(row: LineRow): string {
  return row.reservation_id;
}

const WANTED = 'unnest($1::text[], $2::text[], $3::int[]) as w (sku, warehouse, lines)';

function wantedValues(pools: readonly WantedPool[]): unknown[] {
  return [pools.map((pool) => pool.sku), pools.map((pool) => pool.warehouse), pools.map((pool) => pool.limit)];
}

/** Asked of each line for itself: as a join it could be answered by reading all reservations. */
const IS_LASTING = `(select not (${IS_DUE}) from reservation r where r.reservation_id = a.reservation_id)`;

/** What lines lack and what is due, without the reservations that are locked already. */
function readLacking(pools: readonly WantedPool[], locked: readonly string[]): Statement {
  return {
    name: 'read-lacking',
    text: `with ${DUE_RESERVATIONS}
      select w.sku, w.warehouse, l.short, l.missing, (select coalesce(sum(a.reserved), 0)::int
          from due join allocation a using (reservation_id)
          where a.sku = w.sku and a.warehouse = w.warehouse and not (a.reservation_id = any($4::uuid[]))) as due
      from ${WANTED} cross join lateral (
        select coalesce(sum(a.short), 0)::int as short, coalesce(sum(a.missing), 0)::int as missing
        from allocation a
        where a.sku = w.sku and a.warehouse = w.warehouse and a.short + a.missing > 0 and ${IS_LASTING}
          and not (a.reservation_id = any($4::uuid[]))) l`,
    values: [...wantedValues(pools), locked],
  };
}

/** Lines with units that are there and in nobody's hand, in the order in which they lose them. */
function readLosing(pools: readonly WantedPool[]): Statement {
  return readLines(
    'read-losing',
    pools,
    'a.reserved > a.short + a.missing and a.reserved > a.picked + a.short + a.missing',
    true,
  );
}

/** Lines with units that a picker has in hand. */
function readPicked(pools: readonly WantedPool[]): Statement {
  return readLines('read-picked', pools, 'a.reserved > a.short + a.missing and a.picked > 0', true);
}

function readRecovering(pools: readonly WantedPool[]): Statement {
  return readLines('read-recovering', pools, 'a.short + a.missing > 0', false);
}

/** Lines that hold serial units which are lost, as they are stored or as this unit of work has found. */
function readHoldersOfLost(pools: readonly WantedPool[], units: StockUnits): Statement {
  const found = pools.flatMap(({ sku, warehouse }) => units.ofPool(sku, warehouse).filter(isLost));
  return {
    name: 'read-holders-of-lost',
    text: `with held as not materialized (select * from allocated_unit where held and condition <> 'SHORT'),
      lost as (
        select u.* from ${WANTED} cross join lateral (
          select h.* from stock_unit s join held h on h.sku = s.sku and h.unit_id = s.unit_id
          where s.sku = w.sku and s.warehouse = w.warehouse and s.allocated and (s.unavailable or not s.on_hand)
          order by s.unit_id limit w.lines) u
        union select h.* from unnest($4::text[], $5::text[]) as f (sku, unit_id)
          join held h on h.sku = f.sku and h.unit_id = f.unit_id)
      select l.sku, l.warehouse, a.reservation_id, a.line_number, a.priority, 0 as free from lost l
      join allocation a on a.reservation_id = l.reservation_id and a.line_number = l.line_number
        and a.warehouse = l.warehouse
      where ${IS_LASTING} group by 1, 2, 3, 4, 5 order by a.priority, a.reservation_id desc, a.line_number desc`,
    values: [...wantedValues(pools), found.map((unit) => unit.sku), found.map((unit) => unit.unitId)],
  };
}

function readLines(name: string, pools: readonly WantedPool[], condition: string, isLosing: boolean): Statement {
  const order = isLosing
    ? 'a.priority, a.reservation_id desc, a.line_number desc'
    : 'a.priority desc, a.reservation_id, a.line_number';
  return {
    name,
    text: `select w.sku, w.warehouse, c.* from ${WANTED} cross join lateral (
        select a.reservation_id, a.line_number, a.priority, a.reserved - a.picked - a.short - a.missing as free
        from allocation a
        where a.sku = w.sku and a.warehouse = w.warehouse and ${condition} and ${IS_LASTING}
        order by ${order} limit w.lines) c`,
    values: wantedValues(pools),
  };
}
