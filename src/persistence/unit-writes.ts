import type { Reservation } from '../domain/reservation.ts';
import type { StockUnit } from '../domain/stock-units.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Statement } from './statements.ts';

interface AllocatedUnit {
  readonly sku: string;
  readonly unitId: string;
  readonly reservationId: string;
  readonly lineNumber: number;
  readonly warehouse: string;
  readonly held: boolean;
  readonly condition: string;
  readonly fulfilled: boolean;
}

/** Units with what became of them; nothing where no unit was touched. */
export function unitStatements(work: WorkingSet): Statement[] {
  const units = work.units.changed();
  const allocated = [...allocatedUnits(work)];
  // A unit that one reservation gives up and another takes must be given up first: it is held once at every instant.
  const given = allocated.filter((row) => !row.held);
  const held = allocated.filter((row) => row.held);
  return [
    ...(units.length === 0 ? [] : [putUnits(units)]),
    ...(given.length === 0 ? [] : [putAllocatedUnits(given)]),
    ...(held.length === 0 ? [] : [putAllocatedUnits(held)]),
  ];
}

/** Every unit that a reservation held in this unit of work, as the last of its transitions leaves it. */
function allocatedUnits(work: WorkingSet): Iterable<AllocatedUnit> {
  const rows = new Map<string, AllocatedUnit>();
  if (work.units.isUntouched()) return [];
  for (const { previous, next } of work.transitions) {
    if (previous !== null) note(rows, previous, false);
    note(rows, next, true);
  }
  return rows.values();
}

/** What an earlier state held is given up, unless a later one holds it still. */
function note(rows: Map<string, AllocatedUnit>, reservation: Reservation, isNow: boolean): void {
  const { reservationId } = reservation;
  for (const { lineNumber, sku, allocations } of reservation.lines) {
    for (const { warehouse, units = [], shipped = [] } of allocations) {
      const at = { sku, reservationId, lineNumber, warehouse };
      const put = (unitId: string, held: boolean, condition: string, fulfilled: boolean) =>
        rows.set(`${reservationId}/${lineNumber}/${warehouse}/${unitId}`, {
          ...at,
          unitId,
          held,
          condition,
          fulfilled,
        });
      for (const { unitId, condition } of units) put(unitId, isNow, condition, false);
      for (const unitId of shipped) put(unitId, false, 'HELD', true);
    }
  }
}

function putUnits(units: readonly StockUnit[]): Statement {
  const column = <T>(pick: (unit: StockUnit) => T) => units.map(pick);
  return {
    name: 'put-units',
    text: `insert into stock_unit (sku, unit_id, warehouse, on_hand, allocated, unavailable)
      select * from unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[], $6::bool[])
      on conflict (sku, unit_id) do update set warehouse = excluded.warehouse, on_hand = excluded.on_hand,
        allocated = excluded.allocated, unavailable = excluded.unavailable`,
    values: [
      column((unit) => unit.sku),
      column((unit) => unit.unitId),
      column((unit) => unit.warehouse),
      column((unit) => unit.onHand),
      column((unit) => unit.allocated),
      column((unit) => unit.unavailable),
    ],
  };
}

function putAllocatedUnits(rows: readonly AllocatedUnit[]): Statement {
  const column = <T>(pick: (row: AllocatedUnit) => T) => rows.map(pick);
  return {
    name: 'put-allocated-units',
    text: `insert into allocated_unit (sku, unit_id, reservation_id, line_number, warehouse, held, condition, fulfilled)
      select * from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::bool[], $7::text[], $8::bool[])
      on conflict (reservation_id, line_number, warehouse, sku, unit_id) do update set held = excluded.held,
        condition = excluded.condition, fulfilled = excluded.fulfilled`,
    values: [
      column((row) => row.sku),
      column((row) => row.unitId),
      column((row) => row.reservationId),
      column((row) => row.lineNumber),
      column((row) => row.warehouse),
      column((row) => row.held),
      column((row) => row.condition),
      column((row) => row.fulfilled),
    ],
  };
}
