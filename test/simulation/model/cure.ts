import type { SimRules } from '../commands.ts';
import { place } from './place.ts';
import { isMovable, lineOf, type Model, type ModelLine, type ModelPool, type ModelReservation } from './state.ts';

/** Before WAIT at once; behind it when the deadline was told to be near or has passed in preparation. */
export function hasTurn(cure: SimRules['shortageCures'][number], reservation: ModelReservation): boolean {
  const { shortageCures } = reservation.rules;
  const behind = shortageCures.slice(0, shortageCures.indexOf(cure)).includes('WAIT');
  const isNear = reservation.overdueFlagged || reservation.warnedFor === reservation.expireAt;
  return shortageCures.includes(cure) && (!behind || isNear);
}

/**
 * Holds in other warehouses what a line lacks in a pool; the whole line where it may not be split.
 * @returns whether anything was moved
 */
export function cureLine(
  model: Model,
  reservation: ModelReservation,
  lineNumber: number,
  pool: ModelPool,
  shortage: number,
): boolean {
  const line = lineOf(reservation, lineNumber);
  const part = line?.parts.find((one) => one.warehouse === pool.warehouse);
  if (line === undefined || part === undefined || part.short + part.missing === 0 || line.pinned) return false;
  if (!isMovable(reservation) || !hasTurn('RESOURCE', reservation)) return false;
  const { rules, isSale } = reservation;
  const isWhole = !rules.splitAllowed && line.parts.filter((one) => one.reserved > 0).length === 1;
  const quantity = isWhole ? part.reserved : Math.min(shortage, part.short + part.missing);
  const asked = { sku: line.sku, quantity, orderLineId: '', warehouse: otherThan(pool.warehouse), purchased: 0 };
  if (
    !isWhole &&
    !rules.splitAllowed &&
    !line.parts.some((one) => one.warehouse === asked.warehouse && one.reserved > 0)
  )
    return false;
  const terms = { policy: isWhole ? 'reject' : 'partial', isSale, old: [], takesOthers: false } as const;
  const units = place(model, [asked], terms, rules)?.get(0)?.parts.get(asked.warehouse) ?? 0;
  if (units === 0) return false;
  move(line, pool.warehouse, asked.warehouse, units);
  line.changedAt = model.now;
  reservation.version += 1;
  return true;
}

/** There are two. */
function otherThan(warehouse: string): string {
  return warehouse === 'W1' ? 'W2' : 'W1';
}

function move(line: ModelLine, from: string, to: string, units: number): void {
  const given = line.parts.find((one) => one.warehouse === from);
  if (given === undefined) return;
  if (line.waiting?.warehouse === from && given.reserved === units) line.waiting.warehouse = to;
  for (let unit = 0; unit < units; unit += 1) {
    given.reserved -= 1;
    given.released += 1;
    if (given.short > 0) given.short -= 1;
    else if (given.missing > 0) given.missing -= 1;
  }
  const there = line.parts.find((one) => one.warehouse === to);
  if (there !== undefined) there.reserved += units;
  else line.parts.push({ warehouse: to, reserved: units, picked: 0, short: 0, missing: 0, fulfilled: 0, released: 0 });
  line.parts.sort((a, b) => (a.warehouse < b.warehouse ? -1 : 1));
}
