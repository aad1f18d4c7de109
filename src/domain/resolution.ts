import { draw, drawNamed, LEAVING } from './held-units.ts';
import { checkDeadline, deadlineOf } from './hold-window.ts';
import { type Refusal, refuse } from './refusal.ts';
import {
  type Allocation,
  canExpire,
  clipMissing,
  isDue,
  isLive,
  isWaiting,
  type LiveReservation,
  type ReleaseReason,
  type Reservation,
  type ReservationLine,
  reservedUnits,
  withoutWaiting,
} from './reservation.ts';
import type { Rules } from './rules.ts';
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

/** Units to consume of one line; at one warehouse where `warehouse` is set. */
export interface LineQuantity {
  readonly lineNumber: number;
  readonly quantity: number;
  readonly warehouse?: string;
  /** The serial units, as many as the quantity; absent or empty means those that are allocated. */
  readonly unitIds?: readonly string[];
}

/** Gives every held unit back. A second release changes nothing; a fulfilled reservation cannot be released. */
export function release(reservation: Reservation, reason: ReleaseReason, now: number): Transition {
  if (!isLive(reservation)) {
    return reservation.state === 'FULFILLED' ? refused(alreadyResolved(reservation)) : UNCHANGED;
  }
  const { lines, pools } = releaseHeld(reservation);
  return changed(
    'released',
    { ...reservation, lines, state: 'RELEASED', resolvedAt: now, releaseReason: reason },
    pools,
  );
}

/** Release by the clock: only at or after the deadline, and never what a warehouse has begun. */
export function expire(reservation: Reservation, now: number): Transition {
  if (!isLive(reservation) || !isDue(reservation, now)) return UNCHANGED;
  const { lines, pools } = releaseHeld(reservation);
  return changed(
    'expired',
    { ...reservation, lines, state: 'EXPIRED', resolvedAt: now, releaseReason: 'EXPIRED' },
    pools,
  );
}

/** What the clock does to a reservation in preparation past its deadline: extends it, once, and flags it for staff. */
export function flagOverdue(reservation: Reservation, rules: Rules, now: number): Transition {
  const begun = isLive(reservation) && !canExpire(reservation);
  if (!begun || reservation.expireAt > now || reservation.overdueFlagged) return UNCHANGED;
  const expireAt = deadlineOf(rules, now, rules.defaultHoldWindowMs);
  return changed('extended', { ...reservation, overdueFlagged: true, expireAt });
}

/**
 * Moves the deadline later. What is left of the window, from now to the new deadline, stays within the rules.
 * The same deadline again changes nothing.
 */
export function extend(reservation: Reservation, expireAt: number, rules: Rules, now: number): Transition {
  if (!isLive(reservation)) return refused(alreadyResolved(reservation));
  if (isDue(reservation, now)) return refused(pastDeadline(reservation));
  if (expireAt === reservation.expireAt) return UNCHANGED;
  if (expireAt < reservation.expireAt || expireAt <= now) {
    return refused(
      refuse('INVALID_FIELD', 'the new deadline must be later than the present one', {
        field: 'expire_time',
        expire_time: new Date(reservation.expireAt).toISOString(),
      }),
    );
  }
  const refusal = checkDeadline(rules, now, expireAt);
  if (refusal !== null) return refused(refusal);
  return changed('extended', { ...reservation, expireAt });
}

/**
 * Consumes stock: on hand and reserved fall together. No lines means everything that is held.
 * What is left stays reserved and goes on waiting, or is given up in the same change when `close` is set.
 */
export function fulfil(
  reservation: Reservation,
  quantities: readonly LineQuantity[],
  close: boolean,
  now: number,
): Transition {
  if (!isLive(reservation)) {
    return reservation.state === 'FULFILLED' ? UNCHANGED : refused(alreadyResolved(reservation));
  }
  if (isDue(reservation, now)) return refused(pastDeadline(reservation));
  const wanted = quantities.length === 0 ? everything(reservation) : quantities;
  if (wanted.length === 0 && !close) return refused(nothingHeld(reservation));
  const refusal = checkQuantities(reservation, wanted);
  if (refusal !== null) return refused(refusal);
  const consumed = consume(reservation, wanted);
  const left = isWaiting(consumed.lines) || consumed.lines.some((line) => reservedUnits(line) > 0);
  if (left && !close) return keepRest(reservation, consumed.lines, consumed.pools);
  const rest = releaseHeld({ ...reservation, lines: consumed.lines });
  const next: Reservation = {
    ...reservation,
    lines: rest.lines,
    state: 'FULFILLED',
    resolvedAt: now,
    releaseReason: null,
  };
  return changed('fulfilled', next, [...consumed.pools, ...rest.pools]);
}

/** Past its deadline, though nobody has swept it: the clock has freed it already. */
export function pastDeadline(reservation: LiveReservation): Refusal {
  return refuse('EXPIRED', 'the deadline has passed', {
    state: 'EXPIRED',
    resolve_time: new Date(reservation.expireAt).toISOString(),
  });
}

function nothingHeld({ state }: LiveReservation): Refusal {
  return refuse('INVALID_FIELD', 'nothing is held yet', { field: 'lines', state });
}

/** What is left stays held, and is READY where only picked units are left and none waits. */
function keepRest(
  reservation: LiveReservation,
  lines: readonly ReservationLine[],
  pools: readonly PoolChange[],
): Transition {
  const isAllPicked = lines.every((line) => line.allocations.every((part) => part.picked === part.reserved));
  const state = isAllPicked && !isWaiting(lines) ? 'READY' : reservation.state;
  return changed('changed', { ...reservation, lines, state }, pools);
}

function everything(reservation: LiveReservation): LineQuantity[] {
  return reservation.lines
    .map((line) => ({ lineNumber: line.lineNumber, quantity: reservedUnits(line) }))
    .filter((line) => line.quantity > 0);
}

/** Each named line must exist and hold what is asked of it, summed for the line and for each warehouse named. */
export function checkQuantities(reservation: LiveReservation, wanted: readonly LineQuantity[]): Refusal | null {
  const asked = new Map<string, number>();
  for (const { lineNumber, quantity, warehouse } of wanted) {
    for (const place of warehouse === undefined ? [''] : [warehouse, '']) {
      const key = `${lineNumber}\u0000${place}`;
      const total = (asked.get(key) ?? 0) + quantity;
      asked.set(key, total);
      const held = heldUnits(reservation, lineNumber, place);
      if (total <= held && quantity >= 1) continue;
      return refuse('INVALID_FIELD', `line ${lineNumber} holds ${held}`, {
        field: 'lines',
        line_number: lineNumber,
        requested: total,
        reserved: held,
      });
    }
  }
  return checkUnits(reservation, wanted);
}

/** Each named unit must be held by its line, and be named once. */
function checkUnits(reservation: LiveReservation, wanted: readonly LineQuantity[]): Refusal | null {
  const named = new Set<string>();
  for (const { lineNumber, quantity, warehouse, unitIds = [] } of wanted) {
    if (unitIds.length > 0 && unitIds.length !== quantity) {
      const metadata = { field: 'lines.unit_ids', line_number: lineNumber, quantity };
      return refuse('INVALID_FIELD', 'as many units are named as counted', metadata);
    }
    const parts = reservation.lines.find((line) => line.lineNumber === lineNumber)?.allocations ?? [];
    const held = parts.filter((part) => (warehouse ?? part.warehouse) === part.warehouse);
    for (const unitId of unitIds) {
      const isHeld = held.some((part) => part.units?.some((unit) => unit.unitId === unitId));
      if (!isHeld) return wrongUnit(lineNumber, unitId);
      if (named.has(`${lineNumber}/${unitId}`)) {
        return refuse('INVALID_FIELD', 'a unit is named twice', { field: 'lines.unit_ids', unit_id: unitId });
      }
      named.add(`${lineNumber}/${unitId}`);
    }
  }
  return null;
}

export function wrongUnit(lineNumber: number, unitId: string): Refusal {
  return refuse('WRONG_UNIT', `line ${lineNumber} does not hold unit ${unitId}`, {
    line_number: lineNumber,
    unit_id: unitId,
  });
}

/** Units one line holds at a warehouse, or at all of them where it is empty. */
function heldUnits(reservation: LiveReservation, lineNumber: number, warehouse: string): number {
  return reservation.lines
    .filter((line) => line.lineNumber === lineNumber)
    .flatMap((line) => line.allocations)
    .filter((allocation) => warehouse === '' || allocation.warehouse === warehouse)
    .reduce((sum, allocation) => sum + allocation.reserved, 0);
}

function consume(reservation: LiveReservation, wanted: readonly LineQuantity[]) {
  const pools: PoolChange[] = [];
  let lines: readonly ReservationLine[] = reservation.lines;
  // Named units go first, then quantities bound to a warehouse, so that free ones do not take them.
  const rank = ({ unitIds = [], warehouse }: LineQuantity) =>
    2 * Number(unitIds.length > 0) + Number(warehouse !== undefined);
  const ordered = wanted.toSorted((a, b) => rank(b) - rank(a));
  for (const want of ordered) {
    let missing = want.quantity;
    lines = editAllocations({ ...reservation, lines }, (allocation, line) => {
      const mine =
        line.lineNumber === want.lineNumber && (want.warehouse ?? allocation.warehouse) === allocation.warehouse;
      if (!mine) return allocation;
      const { left, taken, unitIds } = take(allocation, missing, want.unitIds ?? []);
      if (taken === 0) return allocation;
      missing -= taken;
      const delta = { onHand: -taken, reserved: -taken };
      pools.push({ sku: line.sku, warehouse: allocation.warehouse, delta, ...(unitIds && { unitIds }) });
      return left;
    });
  }
  return { lines, pools };
}

/** Gives back every unit that is held, to the pools it came from, and every place in the queue. */
export function releaseHeld(reservation: LiveReservation): { lines: readonly ReservationLine[]; pools: PoolChange[] } {
  const pools: PoolChange[] = [];
  const lines = editAllocations(reservation, (allocation, line) => {
    if (allocation.reserved === 0) return allocation;
    const { units, ...counts } = allocation;
    const unitIds = units?.map((unit) => unit.unitId);
    const delta = { reserved: -allocation.reserved };
    pools.push({ sku: line.sku, warehouse: allocation.warehouse, delta, ...(unitIds && { unitIds }) });
    const released = allocation.released + allocation.reserved;
    return clipMissing({ ...counts, reserved: 0, picked: 0, short: 0, released });
  });
  return { lines: lines.map(withoutWaiting), pools };
}

interface Taken {
  readonly left: Allocation;
  readonly taken: number;
  readonly unitIds?: readonly string[];
}

/** Picked units leave first and missing ones last, so that picked and short stay parts of what is left. */
function take(allocation: Allocation, units: number, named: readonly string[]): Taken {
  const { units: held } = allocation;
  if (held === undefined) {
    const taken = Math.min(units, allocation.reserved);
    const reserved = allocation.reserved - taken;
    const picked = Math.max(0, allocation.picked - taken);
    const short = Math.min(allocation.short, reserved - picked);
    return { left: { ...allocation, reserved, picked, short, fulfilled: allocation.fulfilled + taken }, taken };
  }
  const { taken: unitIds, rest } = named.length > 0 ? drawNamed(held, named) : draw(held, units, LEAVING);
  const taken = unitIds.length;
  const kept = withHeldUnits(allocation, rest);
  const shipped = taken > 0 ? { shipped: [...(kept.shipped ?? []), ...unitIds].sort() } : {};
  const left: Allocation = { ...kept, fulfilled: kept.fulfilled + taken, ...shipped };
  return { left, taken, unitIds };
}
