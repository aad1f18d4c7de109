import { cureLine, hasTurn } from './cure.ts';
import {
  isLive,
  type Model,
  type ModelPart,
  type ModelPool,
  type ModelReservation,
  poolOf,
  reservedIn,
  tell,
} from './state.ts';

interface Held {
  readonly reservation: ModelReservation;
  readonly lineNumber: number;
  readonly part: ModelPart;
}

/**
 * Settles what is short until nothing changes any more, then suggests refunds of what still lacks units.
 * @returns whether a reservation changed
 */
export function settle(model: Model): boolean {
  let isChanged = false;
  while (settleOnce(model)) isChanged = true;
  suggestRefunds(model);
  return isChanged;
}

/**
 * Has every pool lack as many units of its lines as it is short of: those that pickers did not find first, then units of
 * the lowest priority, then of the newest reservation, one by one. A picked unit is missing only where no other is left.
 * Then what is lacking is held elsewhere, and what that changes is settled again.
 */
function settleOnce(model: Model): boolean {
  let isChanged = false;
  for (const [key, pool] of [...model.pools].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const shortage = shortageOf(model, pool);
    const open = openOf(model, key, shortage);
    if (settlePool(model, pool, shortage)) isChanged = true;
    if (open === null || shortage === 0) continue;
    for (const { reservation, lineNumber, part } of heldIn(model, pool)) {
      const victim = `${reservation.rank}/${lineNumber}`;
      const units = Math.max(open.victims[victim] ?? 0, part.short + part.missing);
      if (units > 0) open.victims[victim] = units;
    }
    for (const { reservation, lineNumber } of heldIn(model, pool).reverse()) {
      const short = shortageOf(model, pool);
      if (short === 0 || !cureLine(model, reservation, lineNumber, pool, short)) continue;
      isChanged = true;
      settlePool(model, pool, shortageOf(model, pool));
    }
    open.quantity = shortageOf(model, pool);
  }
  return isChanged;
}

export function isShort(model: Model): boolean {
  return model.shortages.some((one) => one.quantity > 0);
}

function shortageOf(model: Model, { sku, warehouse, onHand, unavailable }: ModelPool): number {
  return Math.max(0, reservedIn(model, sku, warehouse) - (onHand - unavailable));
}

/** Once of each reservation that went short, or whose deadline moved or was told to be near, and lacks units now. */
function suggestRefunds(model: Model): void {
  const alarmed = model.reservations.filter((one) => isLive(one) && model.alarmed.includes(one.rank));
  model.alarmed = [];
  for (const reservation of alarmed) {
    const isLacking = reservation.lines.some(({ sku, parts }) =>
      parts.some(
        ({ warehouse, short, missing }) => short + missing > 0 && shortageOf(model, poolOf(model, sku, warehouse)) > 0,
      ),
    );
    if (isLacking && hasTurn('SUGGEST_REFUND', reservation)) tell(reservation, 'SUGGEST_REFUND');
  }
}

function openOf(model: Model, key: string, shortage: number) {
  let open = model.shortages.find((one) => one.key === key && one.quantity > 0);
  if (open === undefined && shortage > 0) {
    open = { key, quantity: shortage, most: shortage, victims: {} };
    model.shortages.push(open);
  }
  if (open === undefined) return null;
  open.quantity = shortage;
  open.most = Math.max(open.most, shortage);
  return open;
}

function settlePool(model: Model, pool: ModelPool, shortage: number): boolean {
  const held = heldIn(model, pool);
  const short = held.reduce((sum, { part }) => sum + part.short, 0);
  const changed = new Map<ModelReservation, 'lost' | 'back'>();
  // More may be unavailable than is on hand; nobody lacks what he does not hold.
  const promised = Math.min(shortage, reservedIn(model, pool.sku, pool.warehouse));
  const missing = () => held.reduce((sum, { part }) => sum + part.missing, 0);
  while (missing() < Math.max(0, promised - short)) {
    const loser = held.find(({ part }) => part.reserved > part.picked + part.short + part.missing);
    const next = loser ?? held.find(({ part }) => part.picked > 0);
    if (next === undefined) throw new Error('more is missing than is held');
    if (loser === undefined) next.part.picked -= 1;
    next.part.missing += 1;
    changed.set(next.reservation, 'lost');
  }
  while (missing() > Math.max(0, promised - short)) {
    const next = held.findLast(({ part }) => part.missing > 0);
    if (next === undefined) throw new Error('nothing is missing');
    next.part.missing -= 1;
    changed.set(next.reservation, 'back');
  }
  for (const [reservation, what] of changed) {
    reservation.version += 1;
    if (what === 'back') continue;
    if (reservation.state === 'READY') reservation.state = 'PREPARING';
    tell(reservation, 'SHORTAGE');
    model.alarmed.push(reservation.rank);
  }
  return changed.size > 0;
}

/** In the order in which they lose units. */
function heldIn(model: Model, pool: ModelPool): Held[] {
  return model.reservations
    .filter(isLive)
    .flatMap((reservation) =>
      reservation.lines
        .filter((line) => line.sku === pool.sku)
        .flatMap(({ lineNumber, parts }) =>
          parts
            .filter((part) => part.warehouse === pool.warehouse && part.reserved > 0)
            .map((part) => ({ reservation, lineNumber, part })),
        ),
    )
    .sort(
      (a, b) =>
        a.reservation.priority - b.reservation.priority ||
        b.reservation.rank - a.reservation.rank ||
        b.lineNumber - a.lineNumber,
    );
}
