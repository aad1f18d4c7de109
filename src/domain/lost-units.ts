import { type HeldUnit, inOrder } from './held-units.ts';
import type { LiveReservation, Reservation, ReservationLine } from './reservation.ts';
import { withHeldUnits } from './serial-part.ts';
import { isFree, isLost, type StockUnits } from './stock-units.ts';
import { changed, type PoolChange, type Transition, UNCHANGED } from './transition.ts';
import { byLoss, type HeldPart } from './victims.ts';
import type { Cause, PoolRef, WorkingSet } from './working-set.ts';

/** The pool whose units are settled, and when. */
interface Settlement {
  readonly sku: string;
  readonly warehouse: string;
  readonly now: number;
  readonly units: StockUnits;
}

/** Which serial unit is gone decides who lacks it; nobody else's is taken away for it. */
export function recordLostUnits(
  work: WorkingSet,
  parts: readonly HeldPart[],
  { sku, warehouse }: PoolRef,
  cause: Cause,
): void {
  for (const { previous, transitions } of settleLostUnits(parts, {
    sku,
    warehouse,
    now: work.now,
    units: work.units,
  })) {
    let present: Reservation = previous;
    for (const transition of transitions) {
      if (transition.outcome !== 'changed') continue;
      const { kind, next, pools } = transition;
      work.record({ kind, previous: present, next, cause }, pools);
      present = next;
    }
  }
}

/**
 * What becomes of serial units that are promised and no longer there. A free unit of the pool takes the place of each,
 * those of the best placed reservations first; where there is none, the unit is missing of its holder, for exactly that
 * unit was promised. One that is there again is missing no more. What a picker did not find stays as he told it.
 * @returns the changes of each reservation in the order in which they happen
 */
function settleLostUnits(
  parts: readonly HeldPart[],
  pool: Settlement,
): { readonly previous: LiveReservation; readonly transitions: readonly Transition[] }[] {
  const free = pool.units
    .ofPool(pool.sku, pool.warehouse)
    .filter(isFree)
    .map((unit) => unit.unitId);
  const byReservation = Map.groupBy(
    parts.toSorted((a, b) => byLoss(b, a)),
    (held) => held.reservation,
  );
  return [...byReservation].map(([previous, mine]) => {
    const replaced = replace(previous, mine, free, pool);
    const present = replaced.outcome === 'changed' ? (replaced.next as LiveReservation) : previous;
    return { previous, transitions: [replaced, judge(present, pool)] };
  });
}

/** Free units take the place of lost ones, as far as there are any; they are taken out of `free`. */
function replace(
  reservation: LiveReservation,
  parts: readonly HeldPart[],
  free: string[],
  { sku, warehouse, now, units }: Settlement,
): Transition {
  const pools: PoolChange[] = [];
  const lines = reservation.lines.map((line) => {
    const held = parts.find((one) => one.lineNumber === line.lineNumber)?.part.units ?? [];
    const lost = held.filter((unit) => isGone(units, sku, unit)).slice(0, free.length);
    if (lost.length === 0) return line;
    const given = lost.map((unit) => unit.unitId);
    const taken = free.splice(0, lost.length);
    pools.push({ sku, warehouse, delta: { reserved: -given.length }, unitIds: given });
    pools.push({ sku, warehouse, delta: { reserved: taken.length }, unitIds: taken });
    const fresh = taken.map((unitId) => ({ unitId, condition: 'HELD' as const }));
    const kept = inOrder([...held.filter((unit) => !given.includes(unit.unitId)), ...fresh]);
    const allocations = line.allocations.map((part) =>
      part.warehouse === warehouse ? { ...withHeldUnits(part, kept), released: part.released + given.length } : part,
    );
    return { ...line, allocations, changedAt: now };
  });
  return pools.length === 0 ? UNCHANGED : changed('changed', unready({ ...reservation, lines }), pools);
}

/** Says of each unit of the pool whether it is missing. A loss is an event of its own kind. */
function judge(reservation: LiveReservation, { sku, warehouse, units }: Settlement): Transition {
  let isLoss = false;
  let isChange = false;
  const judged = (unit: HeldUnit): HeldUnit => {
    const isMissing = isGone(units, sku, unit);
    if (unit.condition === 'SHORT' || isMissing === (unit.condition === 'MISSING')) return unit;
    isChange = true;
    isLoss ||= isMissing;
    return { ...unit, condition: isMissing ? 'MISSING' : 'HELD' };
  };
  const lines = reservation.lines.map((line) => {
    if (line.sku !== sku) return line;
    const allocations = line.allocations.map((part) =>
      part.warehouse === warehouse && part.units !== undefined ? withHeldUnits(part, part.units.map(judged)) : part,
    );
    return { ...line, allocations };
  });
  if (!isChange) return UNCHANGED;
  const next = { ...reservation, lines };
  return isLoss ? changed('short', unready(next)) : changed('changed', next);
}

/** What a picker did not find is not counted here: his report stands. */
function isGone(units: StockUnits, sku: string, { unitId, condition }: HeldUnit): boolean {
  const unit = condition === 'SHORT' ? null : units.get(sku, unitId);
  return unit !== null && isLost(unit);
}

/** What is not in a picker's hand any more is not ready. */
function unready(reservation: LiveReservation): LiveReservation {
  const isAllPicked = (line: ReservationLine) => line.allocations.every((part) => part.picked === part.reserved);
  if (reservation.state !== 'READY' || reservation.lines.every(isAllPicked)) return reservation;
  return { ...reservation, state: 'PREPARING' };
}
