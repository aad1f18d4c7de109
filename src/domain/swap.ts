import { checkMovable } from './movable.ts';
import {
  checkNames,
  checkOrderLines,
  type RequestedLine,
  requestedUnits,
  servingWarehouses,
  toDemands,
  toLines,
} from './requested-line.ts';
import {
  fulfilledUnits,
  isLive,
  isReplaced,
  type LiveReservation,
  lackingUnits,
  type Reservation,
  type ReservationLine,
} from './reservation.ts';
import { releaseHeld } from './resolution.ts';
import { checkSizeLimits } from './rules.ts';
import { type Placement, source } from './sourcing.ts';
import { poolKey } from './stock-level.ts';
import { alreadyResolved, type PoolChange, refused, type Transition } from './transition.ts';
import type { WorkingSet } from './working-set.ts';

export interface SwapRequest {
  /** All lines the reservation is to have from now on. */
  readonly lines: readonly RequestedLine[];
  /** Takes what there is and forgets the rest, instead of refusing. */
  readonly partial: boolean;
}

/**
 * Replaces what is held by other lines in one change: nothing is given back unless the new lines are held. What has
 * left the warehouse stays as it is; the deadline stays too.
 */
export function swap(reservation: Reservation, request: SwapRequest, work: WorkingSet): Transition {
  if (!isLive(reservation)) return refused(alreadyResolved(reservation));
  const { lines } = request;
  const refusal =
    checkMovable(reservation, work.now) ??
    checkNames(work, lines) ??
    checkSizeLimits(work.rules, lines.length, requestedUnits(lines)) ??
    checkOrderLines(work, reservation.orderId, lines, reservation);
  if (refusal !== null) return refused(refusal);
  const firstNumber = nextLineNumber(reservation);
  const sourced = source({
    demands: toDemands(lines, firstNumber),
    pools: work.pools,
    own: ownUnits(reservation),
    warehouses: servingWarehouses(work, reservation.channel),
    splitAllowed: work.rules.splitAllowed,
    partial: request.partial,
  });
  if ('refusal' in sourced) return refused(sourced.refusal);
  const added = toLines(lines, firstNumber, sourced.placements).map((line) => ({ ...line, changedAt: work.now }));
  return replaceLines(reservation, added, sourced.placements);
}

/** New lines never take the number of an old one, so that a warehouse's late message cannot mean the wrong line. */
function nextLineNumber(reservation: LiveReservation): number {
  return 1 + reservation.lines.reduce((highest, line) => Math.max(highest, line.lineNumber), 0);
}

/** Units that are held and there; what is short or missing is nothing to give back. */
function ownUnits(reservation: LiveReservation): Map<string, number> {
  const own = new Map<string, number>();
  for (const { sku, allocations } of reservation.lines) {
    for (const part of allocations) {
      const { warehouse, reserved } = part;
      const key = poolKey(sku, warehouse);
      own.set(key, (own.get(key) ?? 0) + reserved - lackingUnits(part));
    }
  }
  return own;
}

/** An old line asks for no more than what has left of it: nothing, mostly. Its event tells of it for the last time. */
function replaceLines(
  reservation: LiveReservation,
  added: readonly ReservationLine[],
  placements: readonly Placement[],
): Transition {
  const standing = reservation.lines.filter((line) => !isReplaced(line));
  const given = releaseHeld({ ...reservation, lines: standing });
  const old = given.lines.map((line) => ({ ...line, quantity: fulfilledUnits(line) }));
  const next = { ...reservation, lines: [...old, ...added] };
  return {
    outcome: 'changed',
    kind: 'changed',
    next: { ...next, version: reservation.version + 1 },
    pools: netChanges(given.pools, placements),
  };
}

/** What a pool gives and takes in the same change is no change of it. */
function netChanges(given: readonly PoolChange[], placements: readonly Placement[]): PoolChange[] {
  const taken = placements.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, delta: { reserved: quantity } }));
  const net = new Map<string, { sku: string; warehouse: string; reserved: number }>();
  for (const { sku, warehouse, delta } of [...given, ...taken]) {
    const key = poolKey(sku, warehouse);
    const reserved = (net.get(key)?.reserved ?? 0) + (delta.reserved ?? 0);
    net.set(key, { sku, warehouse, reserved });
  }
  return [...net.values()]
    .filter((change) => change.reserved !== 0)
    .map(({ sku, warehouse, reserved }) => ({ sku, warehouse, delta: { reserved } }));
}
