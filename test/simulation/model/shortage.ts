import {
  isLive,
  type Model,
  type ModelPart,
  type ModelPool,
  type ModelReservation,
  reservedIn,
  tell,
} from './state.ts';

interface Held {
  readonly reservation: ModelReservation;
  readonly lineNumber: number;
  readonly part: ModelPart;
}

/**
 * Has every pool lack as many units of its lines as it is short of: those that pickers did not find first, then units of
 * the lowest priority, then of the newest reservation, one by one. A picked unit is missing only where no other is left.
 * @returns whether a reservation changed
 */
export function settle(model: Model): boolean {
  let isChanged = false;
  for (const [key, pool] of [...model.pools].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const shortage = Math.max(0, reservedIn(model, pool.sku, pool.warehouse) - (pool.onHand - pool.unavailable));
    const open = openOf(model, key, shortage);
    if (settlePool(model, pool, shortage)) isChanged = true;
    if (open === null || shortage === 0) continue;
    for (const { reservation, lineNumber, part } of heldIn(model, pool)) {
      const victim = `${reservation.rank}/${lineNumber}`;
      const units = Math.max(open.victims[victim] ?? 0, part.short + part.missing);
      if (units > 0) open.victims[victim] = units;
    }
  }
  return isChanged;
}

export function isShort(model: Model): boolean {
  return model.shortages.some((one) => one.quantity > 0);
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
