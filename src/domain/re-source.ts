import { draw, MOVING } from './held-units.ts';
import { servingWarehouses, unitsFor } from './requested-line.ts';
import { canExpire, isDue, lackingUnits, type ReservationLine } from './reservation.ts';
import { type SeenPool, seenPools } from './seen-pools.ts';
import { hasTurn } from './shortage-cures.ts';
import { type Placement, type SourcingRequest, source, toPoolChange } from './sourcing.ts';
import { SALE_CHANNEL } from './stock-level.ts';
import { addUnits, giveUp } from './transfer.ts';
import { changed, type Transition } from './transition.ts';
import type { HeldPart } from './victims.ts';
import type { WorkingSet } from './working-set.ts';

/** The reason that stands on the event of units that are held in another warehouse instead. */
export const RE_SOURCED = 're-sourced';

/** Units that are held in other warehouses from now on, and the pools among which these were chosen. */
export type ReSourced = Extract<Transition, { outcome: 'changed' }> & { readonly seen: readonly SeenPool[] };

/**
 * Holds units that a line lacks in other warehouses, by the rules its reservation was decided by: as many as are there
 * where the line may be split, else the whole line in one warehouse. What a warehouse has begun to prepare, what waits to
 * be swept and what was asked of one warehouse stays where it is.
 * @param most units the pool is short of; no more are moved because of them
 * @returns null where nothing can be moved
 */
export function reSource(held: HeldPart, most: number, work: WorkingSet): ReSourced | null {
  const line = lineOf(held);
  const lacking = Math.min(most, lackingUnits(held.part));
  const request = line === undefined || lacking <= 0 ? null : requestFor(held, line, lacking, work);
  if (line === undefined || request === null) return null;
  const sourced = source(request);
  if ('refusal' in sourced || sourced.placements.length === 0) return null;
  const moved = moveTo(held, line, sourced.placements, work.now);
  return moved.outcome === 'changed' ? { ...moved, seen: seenPools(request) } : null;
}

/** The pools that could serve what a line has just lost, as they are before anybody is served; none where it stays. */
export function poolsAsked(held: HeldPart, work: WorkingSet): readonly SeenPool[] {
  const line = lineOf(held);
  const request = line === undefined ? null : requestFor(held, line, 1, work);
  return request === null ? [] : seenPools(request);
}

function lineOf({ reservation, lineNumber }: HeldPart): ReservationLine | undefined {
  return reservation.lines.find((line) => line.lineNumber === lineNumber);
}

/** What to ask of the other warehouses; null where the line stays where it is, or the rules have no such cure now. */
function requestFor(
  { reservation, part }: HeldPart,
  { lineNumber, sku, allocations, pinned }: ReservationLine,
  lacking: number,
  work: WorkingSet,
): SourcingRequest | null {
  if (pinned === true || !canExpire(reservation) || isDue(reservation, work.now)) return null;
  const rules = work.ruleBook.of(reservation);
  if (!hasTurn('RESOURCE', rules, reservation)) return null;
  const serving = servingWarehouses(rules, work.warehouses(), reservation.channel);
  const others = serving.filter(({ code }) => code !== part.warehouse);
  const holding = allocations.filter((one) => one.reserved > 0);
  // A line that may not be split and is in one warehouse moves whole; one that was split all the same gets no more places.
  const isWhole = !rules.splitAllowed && holding.length === 1;
  const isHeldThere = (code: string) => rules.splitAllowed || isWhole || holding.some((one) => one.warehouse === code);
  return {
    demands: [{ lineNumber, sku, quantity: isWhole ? part.reserved : lacking, warehouse: '' }],
    pools: work.pools,
    warehouses: others.filter(({ code }) => isHeldThere(code)),
    strategy: rules.sourcing,
    splitAllowed: !isWhole,
    partial: !isWhole,
    forSale: reservation.channel === SALE_CHANNEL,
    ...unitsFor(work, [sku]),
  };
}

function moveTo(
  { reservation, part }: HeldPart,
  line: ReservationLine,
  placements: readonly Placement[],
  now: number,
): Transition {
  const { sku, waiting } = line;
  const moved = placements.reduce((sum, { quantity }) => sum + quantity, 0);
  const left = line.allocations.map((one) => (one === part ? giveUp(one, moved) : one));
  const given = part.units === undefined ? {} : { unitIds: draw(part.units, moved, MOVING).taken };
  const allocations = placements.reduce(
    (parts, { warehouse, quantity, unitIds }) => addUnits(parts, warehouse, quantity, unitIds),
    left,
  );
  // What waits where the line is held goes on waiting where it is held now.
  const isTurned = waiting?.warehouse === part.warehouse && moved === part.reserved;
  const turned = isTurned ? { waiting: { ...waiting, warehouse: placements[0]?.warehouse ?? '' } } : {};
  const lines = reservation.lines.map((one) =>
    one === line ? { ...line, ...turned, allocations, changedAt: now } : one,
  );
  return changed('changed', { ...reservation, lines }, [
    { sku, warehouse: part.warehouse, delta: { reserved: -moved }, ...given },
    ...placements.map(toPoolChange),
  ]);
}
