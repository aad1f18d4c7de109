import type { SimLine } from '../commands.ts';
import { place } from './place.ts';
import { mayHold } from './rules.ts';
import { isWaiting, type Model, type ModelLine, type ModelReservation, SKUS } from './state.ts';

const DAY_MS = 86_400_000;

export const HOLD_WINDOW_MS = 14 * DAY_MS;
export const WAITLIST_WINDOW_MS = 30 * DAY_MS;

/** How lines take their place. */
export interface Queueing {
  readonly splitAllowed: boolean;
  readonly holdWindowMs: number;
  readonly since: (sku: string) => number;
}

/** Lets the lines wait for what they do not hold. */
export function queueRest(
  lines: readonly ModelLine[],
  asked: readonly SimLine[],
  { splitAllowed, holdWindowMs, since }: Queueing,
): void {
  for (const [at, line] of lines.entries()) {
    const units = line.quantity - line.parts.reduce((sum, part) => sum + part.reserved, 0);
    if (units === 0) continue;
    const pinned = asked[at]?.warehouse ?? '';
    const warehouse = pinned === '' && !splitAllowed ? (line.parts[0]?.warehouse ?? '') : pinned;
    line.waiting = { units, warehouse, since: since(line.sku), holdWindowMs };
  }
}

/** Whoever is first in line and can have all it waits for gets it, until there is nobody. */
export function serveQueues(model: Model): void {
  for (const sku of SKUS) {
    for (const { reservation, line } of queueOf(model, sku)) serve(model, reservation, line);
  }
}

function queueOf(model: Model, sku: string) {
  return model.reservations
    .flatMap((reservation) => reservation.lines.map((line) => ({ reservation, line })))
    .filter(({ line }) => line.sku === sku && line.waiting !== null)
    .sort(
      (a, b) =>
        b.reservation.priority - a.reservation.priority ||
        (a.line.waiting?.since ?? 0) - (b.line.waiting?.since ?? 0) ||
        a.reservation.rank - b.reservation.rank ||
        a.line.lineNumber - b.line.lineNumber,
    );
}

function serve(model: Model, reservation: ModelReservation, line: ModelLine): void {
  const { waiting } = line;
  if (waiting === null) return;
  const { units, warehouse, holdWindowMs } = waiting;
  const wanted = { sku: line.sku, quantity: units, orderLineId: '', warehouse, purchased: 0 };
  if (!reservation.isSale && !mayHold(model, line.sku, units, 0)) return;
  const terms = { policy: 'reject', isSale: reservation.isSale, old: [], takesOthers: false } as const;
  const parts = place(model, [wanted], terms, reservation.rules)?.get(0)?.parts;
  if (parts === undefined) return;
  for (const [code, taken] of parts) {
    const there = line.parts.find((part) => part.warehouse === code);
    if (there !== undefined) there.reserved += taken;
    else
      line.parts.push({ warehouse: code, reserved: taken, picked: 0, short: 0, missing: 0, fulfilled: 0, released: 0 });
  }
  line.parts.sort((a, b) => (a.warehouse < b.warehouse ? -1 : 1));
  line.waiting = null;
  line.changedAt = model.now;
  reservation.version += 1;
  if (isWaiting(reservation.lines)) return;
  reservation.state = 'RESERVED';
  reservation.expireAt = model.now + holdWindowMs;
}
