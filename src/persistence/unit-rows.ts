import type { PoolClient } from 'pg';
import type { HeldUnit, UnitCondition } from '../domain/held-units.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { StockUnit, UnitRows } from '../domain/stock-units.ts';
import { QUEUED_UNITS_MAX, type WaitlistEntry } from '../domain/waitlist.ts';
import type { Command } from '../ports.ts';
import { type AllocationRow, lineFacts, type ReservationRow, toReservations } from './rows.ts';
import { pipeline, rowsOf, type Statement } from './statements.ts';

/**
 * Free units of one pool that are read for one unit of work. Commands that may ask for more are put back and asked again
 * without those that were answered; a single one never asks for so many.
 */
export const UNITS_READ_MAX = 4_000;

const UNIT_COLUMNS = 'u.sku, u.unit_id, u.warehouse, u.on_hand, u.allocated, u.unavailable';

interface UnitRow {
  readonly sku: string;
  readonly unit_id: string;
  readonly warehouse: string;
  readonly on_hand: boolean;
  readonly allocated: boolean;
  readonly unavailable: boolean;
}

interface AllocatedUnitRow {
  readonly reservation_id: string;
  readonly line_number: number;
  readonly warehouse: string;
  readonly unit_id: string;
  readonly held: boolean;
  readonly condition: UnitCondition;
}

interface NamedUnits {
  readonly units?: readonly HeldUnit[];
  readonly shipped?: readonly string[];
}

/** Who may ask for units in one unit of work. */
interface Askers {
  readonly commands: readonly Command[];
  /** The queues of the locked items. */
  readonly waiting: readonly WaitlistEntry[];
}

interface UnitsNeeded extends Askers {
  readonly allocations: readonly (AllocationRow & { readonly sku: string })[];
}

interface LoadedUnits {
  readonly rows: UnitRows;
  /** What the allocations of the locked reservations hold and have shipped. */
  readonly named: ReadonlyMap<string, NamedUnits>;
}

const ALLOCATED_UNITS = `select u.reservation_id, u.line_number, u.warehouse, u.unit_id, u.held, u.condition
  from allocated_unit u where u.reservation_id = any($1::uuid[]) and (u.held or u.fulfilled)
  order by u.reservation_id, u.line_number, u.warehouse, u.unit_id`;

/** Reservations as they are stored. */
interface StoredRows {
  readonly reservations: readonly ReservationRow[];
  readonly allocations: readonly AllocationRow[];
}

/**
 * The locked reservations with the serial units they hold, and the units that commands may touch. These are read after
 * their pools are locked: whoever holds a pool's lock is alone with its units. Costs a trip only where a locked item has
 * any; else `units` is null.
 */
export async function loadUnits(
  client: PoolClient,
  { reservations, allocations, ...askers }: Askers & StoredRows,
  serial: readonly string[],
): Promise<{ readonly units: UnitRows | null; readonly reservations: Reservation[] }> {
  if (serial.length === 0) return { units: null, reservations: toReservations(reservations, allocations) };
  const held = withSkus(reservations, allocations);
  const { rows, named } = await readUnits(client, { ...askers, allocations: held }, serial);
  return { units: rows, reservations: toReservations(reservations, withUnits(allocations, named)) };
}

async function readUnits(
  client: PoolClient,
  { commands, waiting, allocations }: UnitsNeeded,
  skus: readonly string[],
): Promise<LoadedUnits> {
  const serial = new Set(skus);
  const asked = new Map<string, number>(skus.map((sku) => [sku, 0]));
  const unitIds = new Set<string>();
  const ask = (sku: string, units: number) => asked.set(sku, (asked.get(sku) ?? 0) + units);
  for (const { sku, quantity, unitIds: named = [] } of commands.flatMap(({ needs }) => needs.lines ?? [])) {
    if (!serial.has(sku)) continue;
    ask(sku, quantity);
    for (const unitId of named) unitIds.add(unitId);
  }
  for (const sku of skus) ask(sku, Math.min(QUEUED_UNITS_MAX, queuedUnits(waiting, sku)));
  // A transfer may move what a reservation holds; only the reservation knows how much that is.
  for (const { sku, reserved } of allocations) if (serial.has(sku)) ask(sku, reserved);
  const ids = [...new Set(allocations.map((row) => row.reservation_id))];
  const limits = skus.map((sku) => Math.min(asked.get(sku) ?? 0, UNITS_READ_MAX));
  const read = await readNamed(client, { skus, unitIds: [...unitIds], ids, limits });
  return {
    rows: {
      skus: serial,
      units: read.units,
      truncated: new Set(skus.filter((sku) => (asked.get(sku) ?? 0) > UNITS_READ_MAX)),
    },
    named: read.named,
  };
}

/** Units by name, those that reservations hold, and the first free ones of each pool of an item. */
async function readNamed(
  client: PoolClient,
  wanted: {
    readonly skus: readonly string[];
    readonly unitIds: readonly string[];
    readonly ids: readonly string[];
    readonly limits: readonly number[];
  },
): Promise<{ readonly units: StockUnit[]; readonly named: ReadonlyMap<string, NamedUnits> }> {
  const { skus, unitIds, ids, limits } = wanted;
  const statements: Statement[] = [
    { name: 'read-allocated-units', text: ALLOCATED_UNITS, values: [ids] },
    {
      name: 'read-units',
      text: `select ${UNIT_COLUMNS} from stock_unit u where u.sku = any($1::text[]) and (u.unit_id = any($2::text[])
          or u.unit_id = any(array(select a.unit_id from allocated_unit a where a.reservation_id = any($3::uuid[]) and a.held)))
        union
        select ${UNIT_COLUMNS} from unnest($1::text[], $4::int[]) as wanted (sku, units)
        join stock_pool p on p.sku = wanted.sku
        cross join lateral (select * from stock_unit f where f.sku = p.sku and f.warehouse = p.warehouse
          and f.on_hand and not f.allocated and not f.unavailable order by f.unit_id limit wanted.units) u`,
      values: [skus, unitIds, ids, limits],
    },
  ];
  const [allocated, units] = await pipeline(client, 'read units', statements);
  return {
    units: rowsOf<UnitRow & Record<string, unknown>>(units).map(toUnit),
    named: byAllocation(rowsOf<AllocatedUnitRow & Record<string, unknown>>(allocated)),
  };
}

/**
 * Adds what reservations hold that were locked later, and as many free units of each pool as may have to take the place
 * of lost ones.
 */
export async function addUnits(
  client: PoolClient,
  known: UnitRows,
  more: {
    readonly reservationIds: readonly string[];
    readonly allocations: readonly AllocationRow[];
    /** Free units to read by item. */
    readonly free: ReadonlyMap<string, number>;
  },
): Promise<{ readonly rows: UnitRows; readonly allocations: readonly AllocationRow[] }> {
  const { reservationIds: ids, allocations, free } = more;
  const read = await readNamed(client, { skus: [...free.keys()], unitIds: [], ids, limits: [...free.values()] });
  const there = new Set(known.units.map((unit) => `${unit.sku}\u0000${unit.unitId}`));
  const added = read.units.filter((unit) => !there.has(`${unit.sku}\u0000${unit.unitId}`));
  return { rows: { ...known, units: [...known.units, ...added] }, allocations: withUnits(allocations, read.named) };
}

function queuedUnits(waiting: readonly WaitlistEntry[], sku: string): number {
  return waiting.reduce((sum, entry) => (entry.sku === sku ? sum + entry.units : sum), 0);
}

function allocationKey(reservationId: string, lineNumber: number, warehouse: string): string {
  return `${reservationId}/${lineNumber}/${warehouse}`;
}

/** Units by the allocation that holds them or has shipped them. */
function byAllocation(rows: readonly AllocatedUnitRow[]): Map<string, NamedUnits> {
  const named = new Map<string, NamedUnits>();
  for (const { reservation_id, line_number, warehouse, unit_id, held, condition } of rows) {
    const key = allocationKey(reservation_id, line_number, warehouse);
    const known = named.get(key) ?? {};
    named.set(
      key,
      held
        ? { ...known, units: [...(known.units ?? []), { unitId: unit_id, condition }] }
        : { ...known, shipped: [...(known.shipped ?? []), unit_id] },
    );
  }
  return named;
}

/** Allocations with the SKUs of their lines, which the table keeps but the hot read leaves out. */
function withSkus(reservations: readonly ReservationRow[], allocations: readonly AllocationRow[]) {
  const lines = new Map(reservations.map((row) => [row.reservation_id, lineFacts(row.lines)]));
  return allocations.map((row) => {
    const line = lines.get(row.reservation_id)?.find((one) => one.lineNumber === row.line_number);
    return { ...row, sku: line?.sku ?? '' };
  });
}

/** Allocation rows with the units they name, where any do. */
function withUnits(rows: readonly AllocationRow[], named: ReadonlyMap<string, NamedUnits>): AllocationRow[] {
  return rows.map((row) => {
    const units = named.get(allocationKey(row.reservation_id, row.line_number, row.warehouse));
    return units === undefined ? row : { ...row, ...units };
  });
}

function toUnit(row: UnitRow): StockUnit {
  return {
    sku: row.sku,
    unitId: row.unit_id,
    warehouse: row.warehouse,
    onHand: row.on_hand,
    allocated: row.allocated,
    unavailable: row.unavailable,
  };
}
