import type { Caller } from './caller.ts';
import { deadlineOf } from './hold-window.ts';
import { assertInvariant } from './refusal.ts';
import { heldByExchanges, maximumOf, servingWarehouses, unitsFor } from './requested-line.ts';
import { isLive, isWaiting, type LiveReservation, withoutWaiting } from './reservation.ts';
import type { Rules } from './rules.ts';
import { type Placement, source, toPoolChange } from './sourcing.ts';
import { applyDelta, availableUnits, poolKey, SALE_CHANNEL, type StockLevel } from './stock-level.ts';
import { addUnits } from './transfer.ts';
import { changed, type Transition } from './transition.ts';
import { QUEUED_UNITS_MAX, type WaitlistEntry } from './waitlist.ts';
import type { Cause, WorkingSet } from './working-set.ts';

/** The queue itself, which hands on what came free. */
export const WAITLIST_CALLER: Caller = { principal: 'waitlist', actorType: 'SERVICE', channel: '' };

/**
 * Gives what came free to the lines that wait for it, by priority, then age. A line is served whole or not at all: what
 * no waiting line can use whole is passed over and stays available to newcomers. What is short, committed or kept as
 * safety stock is not available and so serves nobody.
 * @returns whether any line was served
 */
export function promoteWaiting(work: WorkingSet, cause: Cause): boolean {
  let isAnyServed = false;
  for (let sku = work.waitlist.takeOpen(); sku !== null; sku = work.waitlist.takeOpen()) {
    isAnyServed = promoteQueue(work, sku, cause) || isAnyServed;
  }
  return isAnyServed;
}

/**
 * Nobody overtakes a line that could be served but is not locked: from there on it is only noted whose turn it would be,
 * so that one more try of the unit locks them all.
 */
function promoteQueue(work: WorkingSet, sku: string, cause: Cause): boolean {
  let left = availableOf(work, sku);
  // Only so many serial units are read for a queue.
  let servable = left > 0 && work.isSerial(sku) ? QUEUED_UNITS_MAX : left;
  let isAnyServed = false;
  let imagined: Map<string, StockLevel> | null = null;
  for (const entry of work.waitlist.inOrder(sku)) {
    if (left === 0 || work.waitlist.isFull) break;
    if (entry.units <= left && entry.units > servable) break;
    if (entry.units > left || entry.expireAt <= work.now) continue;
    const rules = work.ruleBook.of(entry);
    const placements = placementsFor(work, imagined ?? work.pools, entry, rules);
    if (placements === null) continue;
    left -= entry.units;
    servable -= entry.units;
    const found = work.find({ by: 'reservation', id: entry.reservationId });
    if (found === null || imagined !== null) {
      imagined = afterTaking(imagined ?? work.pools, placements, entry.channel === SALE_CHANNEL);
      if (found === null) work.waitlist.missed(entry);
      continue;
    }
    assertInvariant(isLive(found), 'only a live reservation waits');
    const promoted = promote(found, entry.lineNumber, placements, rules, work.now);
    if (promoted.outcome !== 'changed') continue;
    work.record({ kind: promoted.kind, previous: found, next: promoted.next, cause }, promoted.pools);
    work.waitlist.wasServed(entry);
    isAnyServed = true;
  }
  return isAnyServed;
}

function afterTaking(
  pools: ReadonlyMap<string, StockLevel>,
  placements: readonly Placement[],
  forSale: boolean,
): Map<string, StockLevel> {
  const after = new Map(pools);
  for (const { sku, warehouse, quantity } of placements) {
    const key = poolKey(sku, warehouse);
    const level = after.get(key);
    if (level !== undefined)
      after.set(key, applyDelta(level, { reserved: quantity, ...(forSale ? { saleReserved: quantity } : {}) }));
  }
  return after;
}

function availableOf(work: WorkingSet, sku: string): number {
  return work.warehouses().reduce((sum, { code }) => {
    const level = work.pools.get(poolKey(sku, code));
    return level === undefined ? sum : sum + availableUnits(level);
  }, 0);
}

/**
 * Where the units of a line can be had, by the rules its reservation was decided by; null where not all of them can. What
 * exchanges may hold of the item at most holds for those that wait too.
 */
function placementsFor(
  work: WorkingSet,
  pools: ReadonlyMap<string, StockLevel>,
  entry: WaitlistEntry,
  rules: Rules,
): readonly Placement[] | null {
  const { lineNumber, sku, units, warehouse, channel } = entry;
  const forSale = channel === SALE_CHANNEL;
  const maximum = maximumOf(work, sku);
  if (!forSale && maximum > 0 && heldByExchanges(pools, sku) + units > maximum) return null;
  const sourced = source({
    demands: [{ lineNumber, sku, quantity: units, warehouse }],
    pools,
    warehouses: servingWarehouses(rules, work.warehouses(), channel),
    strategy: rules.sourcing,
    splitAllowed: rules.splitAllowed,
    firstOnly: !rules.ladder.includes('OTHER_WAREHOUSE'),
    partial: false,
    forSale,
    ...unitsFor(work, [sku]),
  });
  return 'refusal' in sourced ? null : sourced.placements;
}

/**
 * Holds what one line waited for. Where nothing of the reservation waits any more it is RESERVED, and its hold window
 * begins now.
 */
export function promote(
  reservation: LiveReservation,
  lineNumber: number,
  placements: readonly Placement[],
  rules: Rules,
  now: number,
): Transition {
  const served = reservation.lines.find((line) => line.lineNumber === lineNumber);
  assertInvariant(served?.waiting !== undefined, 'only a line that waits is served');
  const { holdWindowMs } = served.waiting;
  const allocations = placements.reduce(
    (parts, { warehouse, quantity, unitIds }) => addUnits(parts, warehouse, quantity, unitIds),
    served.allocations,
  );
  const lines = reservation.lines.map((line) =>
    line === served ? { ...withoutWaiting(line), allocations, changedAt: now } : line,
  );
  const pools = placements.map(toPoolChange);
  if (isWaiting(lines)) return changed('changed', { ...reservation, lines }, pools);
  const expireAt = deadlineOf(rules, now, holdWindowMs);
  return changed('reserved', { ...reservation, lines, state: 'RESERVED', expireAt }, pools);
}
