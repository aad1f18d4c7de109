import type { Reservation, ReservationLine } from '../../domain/reservation.ts';
import type { AllocationRow, ReservationRow } from '../rows.ts';
import type { DriftList } from './drift-list.ts';

/** An allocation as stored, with its serial units. */
export interface StoredAllocation extends AllocationRow {
  readonly sku: string;
  readonly quantity: number;
  /** Serial units of it that are held, by name. */
  readonly held_units: number;
  /** The names of these with what is known of each, and those of the units that have left. */
  readonly held: string;
  readonly shipped_units: string;
}

const COUNTERS = ['reserved', 'picked', 'short', 'missing', 'fulfilled', 'released'] as const;

/** An allocation is as the last event that knows its line tells: after a swap the later ones leave the old lines out. */
export function checkAllocations(
  stored: { readonly row: ReservationRow | null; readonly allocations: readonly StoredAllocation[] },
  states: readonly (Reservation | null)[],
  trackingId: string,
  drifts: DriftList,
): void {
  const told = new Map<string, AllocationTold>();
  for (const { lineNumber, sku, allocations } of states.flatMap((state) => state?.lines ?? [])) {
    for (const part of allocations) told.set(`${lineNumber}/${part.warehouse}`, { lineNumber, sku, part });
  }
  for (const allocation of stored.allocations) {
    const key = `${allocation.line_number}/${allocation.warehouse}`;
    checkAllocation(allocation, told.get(key), stored.row, trackingId, drifts);
    told.delete(key);
  }
  for (const { lineNumber, sku, part } of told.values()) {
    const place = { trackingId, sku, warehouse: part.warehouse };
    drifts.add('ALLOCATION', 1, 0, `line ${lineNumber}: the allocation is missing`, place);
  }
}

interface AllocationTold {
  readonly lineNumber: number;
  readonly sku: string;
  readonly part: ReservationLine['allocations'][number];
}

function checkAllocation(
  stored: StoredAllocation,
  told: AllocationTold | undefined,
  row: ReservationRow | null,
  trackingId: string,
  drifts: DriftList,
): void {
  const { sku, warehouse, quantity, reserved, fulfilled, released } = stored;
  const place = { trackingId, sku, warehouse };
  const line = `line ${stored.line_number}`;
  if (told === undefined || told.sku !== sku) {
    drifts.add('ALLOCATION', 0, 1, `${line}: no audit event tells of the allocation`, place);
  } else {
    for (const counter of COUNTERS) {
      const units = told.part[counter] ?? 0;
      if (stored[counter] === units) continue;
      drifts.add('ALLOCATION', units, stored[counter], `${line}: ${counter}`, place);
    }
    checkNames(stored, told.part, place, drifts);
  }
  const units = reserved + fulfilled + released;
  if (quantity !== units) {
    drifts.add('CONSERVATION', quantity, units, `${line}: reserved, fulfilled and released`, place);
  }
  if (row?.resolved_at != null && reserved !== 0) {
    drifts.add('LIVE_ALLOCATION', 0, reserved, `${line}: held by a resolved reservation`, place);
  }
  if (stored.held_units > reserved) {
    drifts.add('UNIT', reserved, stored.held_units, `${line}: more units held than reserved`, place);
  }
}

/** The units of an allocation are those that the event names; a difference in number is named by itself. */
function checkNames(
  stored: StoredAllocation,
  { units = [], shipped = [] }: AllocationTold['part'],
  place: { readonly trackingId: string; readonly sku: string; readonly warehouse: string },
  drifts: DriftList,
): void {
  if (stored.held_units > stored.reserved) return;
  const held = units.map((unit) => `${unit.unitId} ${unit.condition}`).join(',');
  if (held === stored.held && shipped.join(',') === stored.shipped_units) return;
  const detail = `line ${stored.line_number}: other units than the audit event names`;
  drifts.add('UNIT', units.length + shipped.length, stored.held_units, detail, place);
}
