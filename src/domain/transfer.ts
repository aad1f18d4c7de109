import { draw, inOrder, MOVING } from './held-units.ts';
import { checkMovable } from './movable.ts';
import { checkWarehouse, sourcingTerms, unitsFor } from './requested-line.ts';
import {
  type Allocation,
  isLive,
  type LiveReservation,
  lackingUnits,
  type Reservation,
  type ReservationLine,
} from './reservation.ts';
import { checkQuantities, type LineQuantity } from './resolution.ts';
import { withHeldUnits } from './serial-part.ts';
import { type LineDemand, type Placement, source } from './sourcing.ts';
import { alreadyResolved, changed, type PoolChange, refused, type Transition, UNCHANGED } from './transition.ts';
import type { WorkingSet } from './working-set.ts';

export interface TransferRequest {
  readonly toWarehouse: string;
  /** What to move of which lines; empty means all that is held. */
  readonly lines: readonly LineQuantity[];
}

/**
 * Moves held units to another warehouse, all of what is asked or none. Units that are there already count as moved, so
 * that asking twice moves nothing twice. Where all lines move, what waits for one warehouse only waits for the new one.
 */
export function transfer(reservation: Reservation, request: TransferRequest, work: WorkingSet): Transition {
  if (!isLive(reservation)) return refused(alreadyResolved(reservation));
  const { toWarehouse } = request;
  const refusal =
    checkMovable(reservation, work.now) ??
    checkWarehouse(work, toWarehouse) ??
    checkQuantities(reservation, request.lines);
  if (refusal !== null) return refused(refusal);
  const moves = movesOf(reservation, request);
  const turned = request.lines.length === 0 ? turnWaiting(reservation, toWarehouse) : reservation;
  if (moves.length === 0) return turned === reservation ? UNCHANGED : changed('changed', turned);
  const sourced = source({
    ...sourcingTerms(work, reservation.channel),
    demands: moves,
    splitAllowed: false,
    partial: false,
    ...unitsFor(
      work,
      moves.map((move) => move.sku),
    ),
  });
  if ('refusal' in sourced) return refused(sourced.refusal);
  return moveUnits(turned, sourced.placements, work.now);
}

/** A line that may be served from one warehouse only looks to another from now on; any other looks everywhere already. */
function turnWaiting(reservation: LiveReservation, toWarehouse: string): LiveReservation {
  const isTurned = ({ waiting }: ReservationLine) =>
    waiting !== undefined && !['', toWarehouse].includes(waiting.warehouse);
  if (!reservation.lines.some(isTurned)) return reservation;
  const lines = reservation.lines.map((line) =>
    line.waiting !== undefined && isTurned(line)
      ? { ...line, waiting: { ...line.waiting, warehouse: toWarehouse } }
      : line,
  );
  return { ...reservation, lines };
}

/** Units to move of each line, from wherever else they are. */
function movesOf(reservation: LiveReservation, { toWarehouse, lines }: TransferRequest): LineDemand[] {
  return reservation.lines.flatMap(({ lineNumber, sku, allocations }) => {
    const elsewhere = allocations
      .filter((part) => part.warehouse !== toWarehouse)
      .reduce((sum, part) => sum + part.reserved, 0);
    const asked = lines.filter((line) => line.lineNumber === lineNumber).reduce((sum, line) => sum + line.quantity, 0);
    const quantity = lines.length === 0 ? elsewhere : Math.min(asked, elsewhere);
    return quantity === 0 ? [] : [{ lineNumber, sku, quantity, warehouse: toWarehouse }];
  });
}

function moveUnits(reservation: LiveReservation, moves: readonly Placement[], now: number): Transition {
  const pools: PoolChange[] = [];
  const lines = reservation.lines.map((line) => {
    const move = moves.find((one) => one.lineNumber === line.lineNumber);
    return move === undefined ? line : { ...moveLine(line, move, pools), changedAt: now };
  });
  return changed('changed', { ...reservation, lines }, pools);
}

function moveLine(line: ReservationLine, move: Placement, pools: PoolChange[]): ReservationLine {
  const { sku, warehouse, quantity, unitIds } = move;
  let missing = quantity;
  const left = line.allocations.map((part) => {
    const taken = part.warehouse === warehouse ? 0 : Math.min(missing, part.reserved);
    if (taken === 0) return part;
    missing -= taken;
    const given = part.units === undefined ? {} : { unitIds: draw(part.units, taken, MOVING).taken };
    pools.push({ sku, warehouse: part.warehouse, delta: { reserved: -taken }, ...given });
    return giveUp(part, taken);
  });
  pools.push({ sku, warehouse, delta: { reserved: quantity }, ...(unitIds && { unitIds }) });
  return { ...line, allocations: addUnits(left, warehouse, quantity, unitIds) };
}

/** What a picker did not find is the first to be had from elsewhere, then what is missing. */
export function giveUp(part: Allocation, taken: number): Allocation {
  const released = part.released + taken;
  if (part.units !== undefined) return { ...withHeldUnits(part, draw(part.units, taken, MOVING).rest), released };
  const short = Math.max(0, part.short - taken);
  const missing = Math.max(0, lackingUnits(part) - taken - short);
  const kept = part.missing === undefined ? part : { ...part, missing };
  return { ...kept, reserved: part.reserved - taken, short, released };
}

/** In the order of the warehouse codes, as they are read back. */
export function addUnits(
  allocations: readonly Allocation[],
  warehouse: string,
  count: number,
  unitIds?: readonly string[],
): Allocation[] {
  const withUnits = (known: Allocation): Allocation => {
    if (unitIds === undefined) return { ...known, reserved: known.reserved + count };
    const added = unitIds.map((unitId) => ({ unitId, condition: 'HELD' as const }));
    return withHeldUnits(known, inOrder([...(known.units ?? []), ...added]));
  };
  const known = allocations.find((part) => part.warehouse === warehouse);
  if (known !== undefined) {
    return allocations.map((part) => (part === known ? withUnits(part) : part));
  }
  const added = withUnits({ warehouse, reserved: 0, picked: 0, short: 0, fulfilled: 0, released: 0 });
  return [...allocations, added].sort((a, b) => (a.warehouse < b.warehouse ? -1 : 1));
}
