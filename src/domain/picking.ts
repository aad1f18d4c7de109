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
    allocation.warehouse === warehouse ? { ...allocation, picked: 0 } : allocation,
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
  let changes = 0;
  const lines = editAllocations(reservation, (allocation, line) => {
    const lost = allocation.warehouse === warehouse ? quantityFor(missing, line) : 0;
    const short = Math.min(allocation.reserved - allocation.picked, allocation.short + lost);
    const added = short - allocation.short;
    if (added <= 0) return allocation;
    changes += added;
    // What a count has found missing of this very line is off the count already.
    const known = Math.min(added, allocation.missing ?? 0);
    if (added > known) pools.push({ sku: line.sku, warehouse, delta: { onHand: known - added } });
    return known === 0
      ? { ...allocation, short }
      : { ...allocation, short, missing: (allocation.missing ?? 0) - known };
  });
  if (changes === 0) return UNCHANGED;
  return changed('short', { ...confirmed(reservation, now), lines, state: 'PREPARING' }, pools);
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
  for (const { lineNumber, sku } of reported) {
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
  }
  return null;
}

function quantityFor(reported: readonly PickedLine[], line: ReservationLine): number {
  return reported.filter((one) => one.lineNumber === line.lineNumber).reduce((sum, one) => sum + one.quantity, 0);
}

function sameCounts(a: readonly ReservationLine[], b: readonly ReservationLine[]): boolean {
  const counts = (lines: readonly ReservationLine[]) =>
    lines.flatMap((line) => line.allocations.flatMap((part: Allocation) => [part.picked, part.short]));
  const before = counts(b);
  return counts(a).every((count, at) => count === before[at]);
}
