import type { Destination } from './eligibility.ts';
import { heldSkusOf, ladderTerms, nameAlternatives, offerSubstitutes } from './equivalents.ts';
import { deadlineOf, defaultHoldWindow } from './hold-window.ts';
import type { ShortfallWishes } from './ladder.ts';
import { checkMovable } from './movable.ts';
import {
  checkExchangePools,
  checkNames,
  checkOrderLines,
  type RequestedLine,
  requestedUnits,
  sourcingTerms,
  toDemands,
  toLines,
  unitsFor,
} from './requested-line.ts';
import {
  fulfilledUnits,
  isLive,
  isReplaced,
  isWaiting,
  type LiveReservation,
  lackingUnits,
  type Reservation,
  type ReservationLine,
} from './reservation.ts';
import { releaseHeld } from './resolution.ts';
import { checkSizeLimits } from './rules.ts';
import { type Placement, source, toPoolChange } from './sourcing.ts';
import { poolKey } from './stock-level.ts';
import { alreadyResolved, type PoolChange, refused, type Transition, type TransitionKind } from './transition.ts';
import type { OwnUnit } from './unit-offer.ts';
import { type Queueing, queueRest } from './waitlist.ts';
import type { WorkingSet } from './working-set.ts';

export interface SwapRequest extends ShortfallWishes {
  /** All lines the reservation is to have from now on. */
  readonly lines: readonly RequestedLine[];
  /** Where the goods go; left out where the caller does not tell. */
  readonly destination?: Destination;
}

/**
 * Replaces what is held by other lines in one change: nothing is given back unless the new lines are held. What has
 * left the warehouse stays as it is; the deadline stays too, unless a waiting begins or ends.
 */
export function swap(reservation: Reservation, request: SwapRequest, work: WorkingSet): Transition {
  if (!isLive(reservation)) return refused(alreadyResolved(reservation));
  const refusal =
    checkMovable(reservation, work.now) ??
    checkNames(work, request.lines) ??
    checkSizeLimits(work.rules, request.lines.length, requestedUnits(request.lines)) ??
    checkOrderLines(work, reservation.orderId, request.lines, reservation) ??
    checkExchangePools(work, reservation.channel, request.lines, reservation);
  if (refusal !== null) return refused(refusal);
  const firstNumber = nextLineNumber(reservation);
  const lines = offerSubstitutes(work, request.lines, request);
  const terms = ladderTerms(work, request, reservation.channel, lines, reservation);
  const sourced = source({
    ...sourcingTerms(work, reservation.channel, request.destination),
    demands: toDemands(lines, firstNumber),
    own: ownUnits(reservation),
    ...terms,
    ...unitsFor(work, heldSkusOf(lines), namedUnits(reservation)),
  });
  if ('refusal' in sourced) return refused(nameAlternatives(work, sourced.refusal, request.lines, request));
  const held = toLines(lines, firstNumber, sourced.placements).map((line) => ({ ...line, changedAt: work.now }));
  const added = terms.waits ? queueRest(held, lines, queueingOf(reservation, work)) : held;
  return replaceLines(reservation, added, sourced.placements, work);
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

/** A line keeps the place that its reservation has in the queue of the SKU. */
function queueingOf({ lines, channel }: LiveReservation, { rules, now }: WorkingSet): Queueing {
  const since = (sku: string) => lines.find((line) => line.sku === sku && line.waiting !== undefined)?.waiting?.since;
  return {
    splitAllowed: rules.splitAllowed,
    holdWindowMs: heldAfterWaiting(lines) ?? defaultHoldWindow(rules, channel),
    since: (sku) => since(sku) ?? now,
  };
}

/** The window that was to begin once nothing waits, where something does. */
function heldAfterWaiting(lines: readonly ReservationLine[]): number | undefined {
  return lines.find((line) => line.waiting !== undefined)?.waiting?.holdWindowMs;
}

/** Its window begins anew where a waiting begins or ends. */
function deadlineAfter(before: LiveReservation, isWaitingNow: boolean, { rules, now }: WorkingSet): number {
  if (isWaitingNow === (before.state === 'WAITLISTED')) return before.expireAt;
  if (isWaitingNow) return deadlineOf(rules, now, rules.waitlistWindowMs);
  return deadlineOf(rules, now, heldAfterWaiting(before.lines) ?? defaultHoldWindow(rules, before.channel));
}

function kindOfSwap(before: LiveReservation, isWaitingNow: boolean): TransitionKind {
  if (isWaitingNow === (before.state === 'WAITLISTED')) return 'changed';
  return isWaitingNow ? 'waitlisted' : 'reserved';
}

function namedUnits(reservation: LiveReservation): OwnUnit[] {
  return reservation.lines.flatMap(({ sku, allocations }) =>
    allocations.flatMap(({ units = [] }) => units.map(({ unitId }) => ({ sku, unitId }))),
  );
}

/** An old line asks for no more than what has left of it: nothing, mostly. Its event tells of it for the last time. */
function replaceLines(
  reservation: LiveReservation,
  added: readonly ReservationLine[],
  placements: readonly Placement[],
  work: WorkingSet,
): Transition {
  const standing = reservation.lines.filter((line) => !isReplaced(line));
  const given = releaseHeld({ ...reservation, lines: standing });
  const old = given.lines.map((line) => ({ ...line, quantity: fulfilledUnits(line) }));
  const isWaitingNow = isWaiting(added);
  const state = isWaitingNow ? 'WAITLISTED' : 'RESERVED';
  const expireAt = deadlineAfter(reservation, isWaitingNow, work);
  const next = { ...reservation, lines: [...old, ...added], state, expireAt } as const;
  return {
    outcome: 'changed',
    kind: kindOfSwap(reservation, isWaitingNow),
    next: { ...next, version: reservation.version + 1 },
    pools: netChanges(given.pools, placements.map(toPoolChange)),
  };
}

/** What a pool gives and takes in the same change is no change of it. */
function netChanges(given: readonly PoolChange[], taken: readonly PoolChange[]): PoolChange[] {
  const net = new Map<string, { sku: string; warehouse: string; reserved: number }>();
  for (const { sku, warehouse, delta, unitIds } of [...given, ...taken]) {
    if (unitIds !== undefined) continue;
    const key = poolKey(sku, warehouse);
    const reserved = (net.get(key)?.reserved ?? 0) + (delta.reserved ?? 0);
    net.set(key, { sku, warehouse, reserved });
  }
  const counted = [...net.values()]
    .filter((change) => change.reserved !== 0)
    .map(({ sku, warehouse, reserved }) => ({ sku, warehouse, delta: { reserved } }));
  return [...counted, ...without(given, taken, -1), ...without(taken, given, 1)];
}

/** The changes of named units that the other side does not undo. */
function without(changes: readonly PoolChange[], others: readonly PoolChange[], sign: 1 | -1): PoolChange[] {
  return changes.flatMap(({ sku, warehouse, unitIds }) => {
    const undone = new Set(others.filter((one) => one.sku === sku).flatMap((one) => one.unitIds ?? []));
    const left = unitIds?.filter((unitId) => !undone.has(unitId)) ?? [];
    return left.length === 0 ? [] : [{ sku, warehouse, delta: { reserved: sign * left.length }, unitIds: left }];
  });
}
