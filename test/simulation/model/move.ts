import type { SimLine, SwapCommand, TransferCommand } from '../commands.ts';
import {
  checkAmounts,
  checkMaximum,
  checkNames,
  keepPurchased,
  place,
  policyOf,
  toLines,
  type Wishes,
} from './place.ts';
import { HOLD_WINDOW_MS, queueRest, WAITLIST_WINDOW_MS } from './queue.ts';
import { answer, differs, resolvedReason } from './resolve.ts';
import { availableIn, inForce } from './rules.ts';
import {
  findTarget,
  giveBack,
  isKnownWarehouse,
  isLive,
  isMovable,
  isWaiting,
  lineOf,
  type Model,
  type ModelLine,
  type ModelOutcome,
  type ModelReservation,
  type ModelWaiting,
} from './state.ts';

export function applySwap(model: Model, command: SwapCommand): ModelOutcome {
  const found = findMovable(model, command);
  if ('refused' in found) return found;
  const refused = swapLines(model, found, command.lines, command);
  return refused === null ? answer(found) : { refused };
}

/** Moves what is elsewhere, as far as it is asked for; all of it or nothing. */
export function applyTransfer(model: Model, command: TransferCommand): ModelOutcome {
  const found = findMovable(model, command);
  if ('refused' in found) return found;
  const { toWarehouse } = command;
  if (!isKnownWarehouse(toWarehouse)) return { refused: 'UNKNOWN_WAREHOUSE' };
  for (const { lineNumber, quantity } of command.lines) {
    const held = reservedOf(lineOf(found, lineNumber));
    if (quantity < 1 || askedOf(command, lineNumber) > held) return { refused: 'INVALID_FIELD' };
  }
  const moves = found.lines.flatMap((line) => {
    const elsewhere = reservedOf(line) - reservedOf(line, toWarehouse);
    const units = command.lines.length === 0 ? elsewhere : Math.min(elsewhere, askedOf(command, line.lineNumber));
    return units === 0 ? [] : [{ line, units }];
  });
  for (const { line } of moves) {
    const needed = moves.filter((one) => one.line.sku === line.sku).reduce((sum, one) => sum + one.units, 0);
    if (needed > availableIn(model, line.sku, toWarehouse, found.isSale)) return { refused: 'NO_STOCK' };
  }
  for (const { line, units } of moves) {
    moveLine(line, units, toWarehouse);
    line.changedAt = model.now;
  }
  const turned = command.lines.length > 0 ? [] : turnedTo(found, toWarehouse);
  for (const waiting of turned) waiting.warehouse = toWarehouse;
  if (moves.length + turned.length > 0) found.version += 1;
  return answer(found);
}

/**
 * Other lines for what is held, where they can be had; what was shipped stays.
 * @returns why not, or null
 */
export function swapLines(
  model: Model,
  found: ModelReservation,
  lines: readonly SimLine[],
  wishes: Wishes,
): string | null {
  if (!isMovable(found)) return 'BEING_PICKED';
  const refused =
    checkNames(lines) ??
    checkAmounts(model, found.orderId, lines, found.lines) ??
    checkMaximum(model, found.isSale, lines, found.lines);
  if (refused !== null) return refused;
  const descent = policyOf(model, wishes);
  const places = place(model, lines, { ...descent, isSale: found.isSale, old: found.lines });
  if (places === null) return 'NO_STOCK';
  const firstNumber = Math.max(...found.lines.map((line) => line.lineNumber)) + 1;
  const queued = found.lines.flatMap(({ sku, waiting }) => (waiting === null ? [] : [{ sku, waiting }]));
  giveBack(found);
  for (const line of found.lines) line.quantity = line.parts.reduce((sum, part) => sum + part.fulfilled, 0);
  const shipped = found.lines.filter((line) => line.quantity > 0);
  const added = toLines(lines, places, firstNumber).map((line) => ({ ...line, changedAt: model.now }));
  const holdWindowMs = queued[0]?.waiting.holdWindowMs ?? HOLD_WINDOW_MS;
  if (descent.policy === 'waitlist') {
    const since = (sku: string) => queued.find((one) => one.sku === sku)?.waiting.since ?? model.now;
    queueRest(added, lines, { splitAllowed: inForce(model).splitAllowed, holdWindowMs, since });
  }
  found.lines = [...shipped, ...added];
  const state = isWaiting(added) ? 'WAITLISTED' : 'RESERVED';
  if (state !== found.state) found.expireAt = model.now + (state === 'WAITLISTED' ? WAITLIST_WINDOW_MS : holdWindowMs);
  found.state = state;
  found.version += 1;
  keepPurchased(model, found.orderId, lines);
  return null;
}

function findMovable(model: Model, command: SwapCommand | TransferCommand): ModelReservation | { refused: string } {
  const found = findTarget(model, command.target);
  if (found === undefined) return { refused: 'UNKNOWN_RESERVATION' };
  if (differs(found, command.etag)) return { refused: 'ETAG_MISMATCH' };
  if (!isLive(found)) return { refused: resolvedReason(found) };
  return isMovable(found) ? found : { refused: 'BEING_PICKED' };
}

/** What waits for another one warehouse only. */
function turnedTo(found: ModelReservation, warehouse: string): ModelWaiting[] {
  return found.lines
    .flatMap((line) => line.waiting ?? [])
    .filter((waiting) => waiting.warehouse !== '' && waiting.warehouse !== warehouse);
}

function reservedOf(line: ModelLine | undefined, warehouse?: string): number {
  const parts = line?.parts.filter((part) => warehouse === undefined || part.warehouse === warehouse) ?? [];
  return parts.reduce((sum, part) => sum + part.reserved, 0);
}

function askedOf(command: TransferCommand, lineNumber: number): number {
  return command.lines.filter((line) => line.lineNumber === lineNumber).reduce((sum, line) => sum + line.quantity, 0);
}

function moveLine(line: ModelLine, units: number, toWarehouse: string): void {
  let missing = units;
  for (const part of line.parts.filter((one) => one.warehouse !== toWarehouse)) {
    const taken = Math.min(missing, part.reserved);
    part.reserved -= taken;
    part.released += taken;
    part.missing = Math.max(0, part.missing - Math.max(0, taken - part.short));
    part.short = Math.max(0, part.short - taken);
    missing -= taken;
  }
  const there = line.parts.find((part) => part.warehouse === toWarehouse);
  if (there !== undefined) {
    there.reserved += units;
    return;
  }
  line.parts.push({
    warehouse: toWarehouse,
    reserved: units,
    picked: 0,
    short: 0,
    missing: 0,
    fulfilled: 0,
    released: 0,
  });
  line.parts.sort((a, b) => (a.warehouse < b.warehouse ? -1 : 1));
}
