import { markPicked, markShort } from './held-units.ts';
import { type Refusal, refuse } from './refusal.ts';
import {
  type Allocation,
  isLive,
  isPickAsked,
  isReplaced,
  type LiveReservation,
  type Reservation,
  type ReservationLine,
  warehousesOf,
} from './reservation.ts';
import { wrongUnit } from './resolution.ts';
import { withHeldUnits } from './serial-part.ts';
import {
  alreadyResolved,
  changed,
  editAllocations,
  type PoolChange,
  refused,
  type Transition,
  UNCHANGED,
} from './transition.ts';

/** Units of one line as one warehouse reports them. */
export interface PickedLine {
  readonly lineNumber: number;
  readonly sku: string;
  readonly quantity: number;
  /** The serial units, as many as the quantity; absent or empty means those that are allocated. */
  readonly unitIds?: readonly string[];
}

/** The warehouse has begun: from here on the clock frees nothing. */
export function startPick(reservation: Reservation, now: number): Transition {
  if (!isLive(reservation)) return refused(tooLate(reservation));
  const refusal = checkAsked(reservation);
  if (refusal !== null) return refused(refusal);
  if (reservation.state === 'PREPARING' || reservation.state === 'READY') return UNCHANGED;
  return changed('preparing', { ...confirmed(reservation, now), state: 'PREPARING' });
}

/**
 * One warehouse gave up before the goods were ready: nothing of it is picked. Reserved again, unless another
 * warehouse has picked its part, which the clock must then not free.
 */
export function abortPick(reservation: Reservation, warehouse: string, now: number): Transition {
  if (!isLive(reservation)) return refused(tooLate(reservation));
  if (reservation.state !== 'PREPARING' && reservation.state !== 'READY') return UNCHANGED;
  const lines = editAllocations(reservation, (allocation) =>
    allocation.warehouse === warehouse ? unpicked(allocation) : allocation,
  );
  const isPickedElsewhere = lines.some((line) => line.allocations.some((part) => part.picked > 0));
  if (!isPickedElsewhere) return changed('changed', { ...confirmed(reservation, now), lines, state: 'RESERVED' });
  if (sameCounts(lines, reservation.lines)) return UNCHANGED;
  const kind = reservation.state === 'READY' ? 'preparing' : 'changed';
  return changed(kind, { ...confirmed(reservation, now), lines, state: 'PREPARING' });
}

/**
 * Units were picked at one warehouse; no lines means all that it holds. Quantities are absolute per line, so a
 * repeated or late message takes nothing back. READY once every held unit is picked.
 */
export function confirmPick(
  reservation: Reservation,
  warehouse: string,
  picked: readonly PickedLine[],
  now: number,
): Transition {
  if (!isLive(reservation)) return refused(tooLate(reservation));
  const refusal = checkAsked(reservation) ?? checkLines(reservation, warehouse, picked);
  if (refusal !== null) return refused(refusal);
  const lines = editAllocations(reservation, (allocation, line) => {
    if (allocation.warehouse !== warehouse) return allocation;
    const total = picked.length === 0 ? allocation.reserved : quantityFor(picked, line);
    const count = Math.max(allocation.picked, total);
    const { units } = allocation;
    if (units !== undefined) return withHeldUnits(allocation, markPicked(units, namedFor(picked, line), count));
    return { ...allocation, picked: count, short: Math.min(allocation.short, allocation.reserved - count) };
  });
  const ready = lines.every((line) => line.allocations.every((part) => part.picked === part.reserved));
  const state = ready ? 'READY' : 'PREPARING';
  if (state === reservation.state && sameCounts(lines, reservation.lines)) return UNCHANGED;
  const kind = state === reservation.state ? 'changed' : ready ? 'ready' : 'preparing';
  return changed(kind, { ...confirmed(reservation, now), lines, state });
}

/**
 * The picker did not find units: they are not on hand, so the count falls with them, and the lines are marked short
 * until the units are found, replaced or released.
 */
export function shortPick(
  reservation: Reservation,
  warehouse: string,
  missing: readonly PickedLine[],
  now: number,
): Transition {
  if (!isLive(reservation)) return refused(tooLate(reservation));
  const refusal = checkAsked(reservation) ?? checkLines(reservation, warehouse, missing);
  if (refusal !== null) return refused(refusal);
  const pools: PoolChange[] = [];
  const lines = editAllocations(reservation, (allocation, line) => {
    const lost = allocation.warehouse === warehouse ? quantityFor(missing, line) : 0;
    if (allocation.units !== undefined && lost > 0) return missUnits(allocation, line, missing, lost, pools);
    const short = Math.min(allocation.reserved - allocation.picked, allocation.short + lost);
    const added = short - allocation.short;
    if (added <= 0) return allocation;
    // What a count has found missing of this very line is off the count already.
    const known = Math.min(added, allocation.missing ?? 0);
    if (added > known) pools.push({ sku: line.sku, warehouse, delta: { onHand: known - added } });
    return known === 0
      ? { ...allocation, short }
      : { ...allocation, short, missing: (allocation.missing ?? 0) - known };
  });
  if (sameCounts(lines, reservation.lines)) return UNCHANGED;
  return changed('short', { ...confirmed(reservation, now), lines, state: 'PREPARING' }, pools);
}

function unpicked(allocation: Allocation): Allocation {
  const { units } = allocation;
  if (units === undefined) return { ...allocation, picked: 0 };
  return withHeldUnits(
    allocation,
    units.map((unit) => (unit.condition === 'PICKED' ? { ...unit, condition: 'HELD' } : unit)),
  );
}

function missUnits(
  allocation: Allocation,
  line: ReservationLine,
  missing: readonly PickedLine[],
  lost: number,
  pools: PoolChange[],
): Allocation {
  const before = allocation.units ?? [];
  const units = markShort(before, namedFor(missing, line), lost);
  const unitIds = units.filter((unit, at) => unit !== before[at]).map((unit) => unit.unitId);
  if (unitIds.length === 0) return allocation;
  const { sku } = line;
  pools.push({ sku, warehouse: allocation.warehouse, delta: { onHand: -unitIds.length }, unitIds });
  return withHeldUnits(allocation, units);
}

function namedFor(reported: readonly PickedLine[], line: ReservationLine): readonly string[] {
  return reported.filter((one) => one.lineNumber === line.lineNumber).flatMap((one) => one.unitIds ?? []);
}

function confirmed(reservation: LiveReservation, now: number): LiveReservation {
  return { ...reservation, warehouseConfirmedAt: reservation.warehouseConfirmedAt ?? now };
}

/**
 * While a unit waits, or the pick awaits a milestone, no pick is asked for; begun all the same, the clock could never end
 * it. What has left the warehouse is another matter: a shipment is a fact.
 */
function checkAsked(reservation: LiveReservation): Refusal | null {
  if (isPickAsked(reservation)) return null;
  const { state, trackingId, pickAwaits } = reservation;
  const metadata = { state, tracking_id: trackingId };
  if (pickAwaits === undefined) return refuse('NOT_ALLOWED', 'some unit still waits: no pick was asked for', metadata);
  const text = `no pick was asked for: it awaits ${pickAwaits}`;
  return refuse('NOT_ALLOWED', text, { ...metadata, pick_awaits: pickAwaits });
}

function tooLate(reservation: Reservation): Refusal {
  if (isLive(reservation)) throw new TypeError('only a resolved reservation is too late');
  return refuse('TOO_LATE', `the reservation is ${reservation.state.toLowerCase()}`, {
    ...alreadyResolved(reservation).metadata,
  });
}

/** Refuses lines the reservation has not at this warehouse, another SKU than the reserved one, or more than is held. */
function checkLines(reservation: LiveReservation, warehouse: string, reported: readonly PickedLine[]): Refusal | null {
  if (!warehousesOf(reservation).includes(warehouse)) {
    return refuse('INVALID_FIELD', `nothing is held at ${warehouse}`, { field: 'warehouse', warehouse });
  }
  for (const { lineNumber, sku, quantity, unitIds = [] } of reported) {
    const line = reservation.lines.find((one) => one.lineNumber === lineNumber && !isReplaced(one));
    const held = line?.allocations.find((allocation) => allocation.warehouse === warehouse);
    const metadata = { line_number: lineNumber, sku, warehouse };
    if (line === undefined || held === undefined) {
      return refuse('INVALID_FIELD', `line ${lineNumber} holds nothing at ${warehouse}`, {
        field: 'lines',
        ...metadata,
      });
    }
    if (sku !== '' && sku !== line.sku) {
      return refuse('WRONG_UNIT', `line ${lineNumber} holds another item`, { ...metadata, reserved_sku: line.sku });
    }
    const total = quantityFor(reported, line);
    if (total > held.reserved) {
      return refuse('INVALID_FIELD', `line ${lineNumber} holds ${held.reserved}`, {
        field: 'lines',
        ...metadata,
        requested: total,
        reserved: held.reserved,
      });
    }
    const wrong = unitIds.find((unitId) => !held.units?.some((unit) => unit.unitId === unitId));
    if (wrong !== undefined) return wrongUnit(lineNumber, wrong);
    if (unitIds.length > 0 && unitIds.length !== quantity) {
      const field = 'lines.unit_ids';
      return refuse('INVALID_FIELD', 'as many units are named as counted', { field, ...metadata, quantity });
    }
  }
  return null;
}

function quantityFor(reported: readonly PickedLine[], line: ReservationLine): number {
  return reported.filter((one) => one.lineNumber === line.lineNumber).reduce((sum, one) => sum + one.quantity, 0);
}

function sameCounts(a: readonly ReservationLine[], b: readonly ReservationLine[]): boolean {
  const counts = (lines: readonly ReservationLine[]) =>
    lines.flatMap((line) =>
      line.allocations.flatMap((part) => [
        part.picked,
        part.short,
        ...(part.units ?? []).map((unit) => `${unit.unitId} ${unit.condition}`),
      ]),
    );
  const before = counts(b);
  return counts(a).every((count, at) => count === before[at]);
}
