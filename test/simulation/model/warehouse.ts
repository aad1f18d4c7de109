import type { CountedCommand, PickCommand } from '../commands.ts';
import { closeIfDone, consume } from './resolve.ts';
import {
  byRef,
  isKnownWarehouse,
  isLive,
  isMovable,
  isPickAsked,
  lineOf,
  type Model,
  type ModelReservation,
  onHandAfter,
  takeOffHand,
  tell,
  WMS,
} from './state.ts';
import { applyCounts } from './stock.ts';

const ACCEPTED = 'ACCEPTED';
const IGNORED = 'IGNORED';

function rejected(reason: string): string {
  return `REJECTED ${reason}`;
}

export function applyCounted(model: Model, command: CountedCommand): string {
  const refused = checkSender(command);
  if (refused !== null) return rejected(refused);
  if (command.counts.some((count) => count.warehouse !== command.warehouse)) return rejected('NOT_ALLOWED');
  const result = applyCounts(model, command.counts);
  if (typeof result === 'string') return rejected(result);
  return result === 0 ? IGNORED : ACCEPTED;
}

export function applyPick(model: Model, command: PickCommand): string {
  const refused = checkSender(command);
  if (refused !== null) return rejected(refused);
  const found = byRef(model, command.ref);
  if (found === undefined) return rejected('UNKNOWN_RESERVATION');
  if (!isLive(found)) {
    if (command.event === 'shipment-confirmed') return shipLate(model, found, command);
    if (command.event === 'pick-confirmed') pickedLate(found, command);
    return rejected('TOO_LATE');
  }
  const parts = found.lines.flatMap((line) => line.parts);
  // Who has given everything up has no say any more.
  const mine = parts.filter((part) => part.warehouse === command.warehouse);
  const isNamedShipment = command.event === 'shipment-confirmed' && command.lines.length > 0;
  if (!isNamedShipment && mine.every((part) => part.reserved + part.fulfilled === 0)) return rejected('INVALID_FIELD');
  const held = found.lines.filter((line) => heldAt(line, command.warehouse) > 0);
  if (command.lines.length === 0 && held.some((line) => line.changedAt > command.occurredAt)) {
    if (command.event === 'shipment-confirmed') return rejected('INVALID_FIELD');
    if (command.event !== 'pick-aborted') return rejected('TOO_LATE');
  }
  switch (command.event) {
    case 'pick-started':
      if (
        command.lines.length > 0 &&
        !command.lines.some((line) => held.some((one) => one.lineNumber === line.lineNumber))
      )
        return rejected('INVALID_FIELD');
      if (!isPickAsked(found)) return rejected('NOT_ALLOWED');
      if (found.state !== 'RESERVED') return IGNORED;
      return changeState(found, 'PREPARING');
    case 'pick-aborted':
      return abort(found, command.warehouse);
    case 'pick-confirmed':
      return confirm(found, command);
    case 'pick-shorted':
      return short(model, found, command);
    case 'shipment-confirmed':
      return ship(model, found, command);
  }
}

function checkSender(command: PickCommand | CountedCommand): string | null {
  if (!isKnownWarehouse(command.warehouse)) return 'UNKNOWN_WAREHOUSE';
  return command.wms === WMS ? null : 'NOT_ALLOWED';
}

function changeState(found: ModelReservation, state: 'RESERVED' | 'PREPARING' | 'READY'): string {
  found.state = state;
  found.version += 1;
  return ACCEPTED;
}

/** What another warehouse has picked keeps the reservation in preparation. */
function abort(found: ModelReservation, warehouse: string): string {
  if (isMovable(found)) return IGNORED;
  const parts = found.lines.flatMap((line) => line.parts);
  const mine = parts.filter((part) => part.warehouse === warehouse && part.picked > 0);
  for (const part of mine) part.picked = 0;
  const isLetGo = parts.every((part) => part.picked === 0);
  if (!isLetGo && mine.length === 0) return IGNORED;
  tell(found, 'REFUSED_BY_WAREHOUSE');
  return changeState(found, isLetGo ? 'RESERVED' : 'PREPARING');
}

function confirm(found: ModelReservation, command: PickCommand): string {
  if (!isPickAsked(found)) return rejected('NOT_ALLOWED');
  const refused = checkLines(found, command);
  if (refused !== null) return rejected(refused);
  const before = JSON.stringify(found);
  for (const line of found.lines) {
    for (const part of line.parts.filter((one) => one.warehouse === command.warehouse)) {
      const total = command.lines.length === 0 ? part.reserved : reportedFor(command, line.lineNumber);
      part.picked = Math.max(part.picked, total);
      part.short = Math.min(part.short, part.reserved - part.picked);
      part.missing = Math.min(part.missing, part.reserved - part.picked - part.short);
    }
  }
  const ready = found.lines.every((line) => line.parts.every((part) => part.picked === part.reserved));
  const state = ready ? 'READY' : 'PREPARING';
  if (state === found.state && JSON.stringify(found) === before) return IGNORED;
  return changeState(found, state);
}

function short(model: Model, found: ModelReservation, command: PickCommand): string {
  if (!isPickAsked(found)) return rejected('NOT_ALLOWED');
  const refused = checkLines(found, command);
  if (refused !== null) return rejected(refused);
  const lost = new Map<string, number>();
  for (const line of found.lines) {
    for (const part of line.parts.filter((one) => one.warehouse === command.warehouse)) {
      const now = Math.min(part.reserved - part.picked, part.short + reportedFor(command, line.lineNumber));
      if (now <= part.short) continue;
      const known = Math.min(part.missing, now - part.short);
      lost.set(line.sku, (lost.get(line.sku) ?? 0) + now - part.short - known);
      part.missing = Math.min(part.missing - known, part.reserved - part.picked - now);
      part.short = now;
    }
  }
  if (lost.size === 0) return IGNORED;
  for (const [sku, units] of lost) {
    const key = `${sku}@${command.warehouse}`;
    // What a count has found missing already does not go missing again.
    const gone = Math.min(units, model.pools.get(key)?.onHand ?? 0);
    takeOffHand(model, key, gone, Math.min(command.occurredAt, model.now));
  }
  tell(found, 'SHORTAGE');
  model.alarmed.push(found.rank);
  return changeState(found, 'PREPARING');
}

function ship(model: Model, found: ModelReservation, command: PickCommand): string {
  const all = found.lines.map((line) => ({ ...line, quantity: heldAt(line, command.warehouse) }));
  const lines = command.lines.length > 0 ? command.lines : all.filter((line) => line.quantity > 0);
  if (lines.length === 0) return rejected('INVALID_FIELD');
  const taken = unitsOf(found, command.warehouse, lines);
  if (typeof taken === 'string') return rejected(taken);
  const { held, late } = taken;
  const at = Math.min(command.occurredAt, model.now);
  const leaving = new Map(late);
  for (const { sku, quantity } of held) if (late.has(sku)) leaving.set(sku, (leaving.get(sku) ?? 0) + quantity);
  for (const [sku, units] of leaving) {
    if (onHandAfter(model, `${sku}@${command.warehouse}`, units, at) < 0) return rejected('NO_STOCK');
  }
  if (held.length > 0) {
    const refused = consume(model, found, held, command.warehouse, at);
    if (refused !== null) return rejected(refused);
    closeIfDone(model, found, false);
    if (found.lines.some((line) => heldAt(line, command.warehouse) > 0)) tell(found, 'INCOMPLETE');
  }
  for (const [sku, units] of late) takeOffHand(model, `${sku}@${command.warehouse}`, units, at);
  if (late.size === 0) return ACCEPTED;
  tell(found, 'RETURN_TO_STOCK');
  return rejected('TOO_LATE');
}

/** Unit by unit: one that is held, else one that was given up there, of a present line or of a replaced one. */
function unitsOf(found: ModelReservation, warehouse: string, lines: PickCommand['lines']) {
  const held: { lineNumber: number; sku: string; quantity: number }[] = [];
  const late = new Map<string, number>();
  const left = found.lines.map((line) => {
    const part = line.parts.find((one) => one.warehouse === warehouse);
    return { line, reserved: part?.reserved ?? 0, released: part?.released ?? 0 };
  });
  let isTooMuch = false;
  for (const { lineNumber, sku, quantity } of lines) {
    const there = left.find(({ line }) => line.lineNumber === lineNumber);
    const isReplaced = there === undefined && found.lines.some((line) => line.lineNumber > lineNumber);
    if (isReplaced && sku === '') return 'INVALID_FIELD';
    if (there !== undefined && sku !== '' && sku !== there.line.sku) return 'WRONG_UNIT';
    for (let unit = 0; unit < quantity; unit += 1) {
      if (there !== undefined && there.reserved > 0) {
        there.reserved -= 1;
        held.push({ lineNumber, sku: there.line.sku, quantity: 1 });
      } else if (isReplaced || (there !== undefined && there.released > 0)) {
        if (there !== undefined) there.released -= 1;
        const gone = there?.line.sku ?? sku;
        late.set(gone, (late.get(gone) ?? 0) + 1);
      } else {
        isTooMuch = true;
      }
    }
  }
  return isTooMuch ? 'INVALID_FIELD' : { held, late };
}

function heldAt(line: ModelReservation['lines'][number], warehouse: string): number {
  return line.parts.find((part) => part.warehouse === warehouse)?.reserved ?? 0;
}

/** Picked goods of what has ended otherwise have to go back, if the warehouse ever had a part in it. */
function pickedLate(found: ModelReservation, command: PickCommand): void {
  const isMine = found.lines.some((line) => line.parts.some((part) => part.warehouse === command.warehouse));
  if (!isMine || found.state === 'FULFILLED') return;
  const given = found.lines.flatMap((line) =>
    line.parts
      .filter((part) => part.warehouse === command.warehouse)
      .map((part) => Math.min(part.released, line.quantity)),
  );
  const units = command.lines.length > 0 ? command.lines.map((line) => line.quantity) : given;
  if (units.some((count) => count > 0)) tell(found, 'RETURN_TO_STOCK');
}

/** Goods left although the reservation is resolved: what is on hand falls all the same. */
function shipLate(model: Model, found: ModelReservation, command: PickCommand): string {
  const highest = Math.max(...found.lines.map((line) => line.lineNumber));
  const replaced = command.lines.filter((line) => line.lineNumber < highest && !lineOf(found, line.lineNumber));
  if (found.state === 'FULFILLED' && replaced.length === 0) return IGNORED;
  const given = found.lines.flatMap((line) =>
    line.parts
      .filter((part) => part.warehouse === command.warehouse)
      .map((part) => ({ ...line, quantity: Math.min(part.released, line.quantity) })),
  );
  const shipped = new Map<string, number>();
  const told = found.state === 'FULFILLED' ? replaced : command.lines;
  for (const line of told.length > 0 ? told : given) {
    const sku = line.sku === '' ? (lineOf(found, line.lineNumber)?.sku ?? '') : line.sku;
    shipped.set(sku, (shipped.get(sku) ?? 0) + line.quantity);
  }
  const at = Math.min(command.occurredAt, model.now);
  for (const [sku, units] of shipped) {
    if (onHandAfter(model, `${sku}@${command.warehouse}`, units, at) < 0) return rejected('NO_STOCK');
  }
  for (const [sku, units] of shipped) takeOffHand(model, `${sku}@${command.warehouse}`, units, at);
  if ([...shipped.values()].some((units) => units > 0)) tell(found, 'RETURN_TO_STOCK');
  return rejected('TOO_LATE');
}

function checkLines(found: ModelReservation, command: PickCommand): string | null {
  for (const { lineNumber, sku } of command.lines) {
    const line = lineOf(found, lineNumber);
    const part = line?.parts.find((one) => one.warehouse === command.warehouse);
    if (line === undefined || part === undefined) return 'INVALID_FIELD';
    if (sku !== '' && sku !== line.sku) return 'WRONG_UNIT';
    if (reportedFor(command, lineNumber) > part.reserved) return 'INVALID_FIELD';
  }
  return null;
}

function reportedFor(command: PickCommand, lineNumber: number): number {
  return command.lines.filter((line) => line.lineNumber === lineNumber).reduce((sum, line) => sum + line.quantity, 0);
}
