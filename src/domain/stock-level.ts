import { assertInvariant } from './refusal.ts';

/** A pool: the stock of one SKU in one warehouse. Quantities are whole units, 0 or more. */
export interface StockLevel {
  readonly sku: string;
  readonly warehouse: string;
  /** Physically in the warehouse. */
  readonly onHand: number;
  /** Promised, due ones included. */
  readonly reserved: number;
  /** The part of reserved that reservations of the {@link SALE_CHANNEL} hold. */
  readonly saleReserved: number;
  /** On hand but damaged or in quarantine. */
  readonly unavailable: number;
  /** Sold through other systems and not yet shipped. */
  readonly committed: number;
  /** Never promised; set by the rules. */
  readonly safetyStock: number;
  /** The part of its item's exchange minimum that the pool has to hold or keep free for exchanges; set by the rules. */
  readonly exchangeMinimum: number;
  /** Available units at or below which the pool is LOW; set by the rules. */
  readonly lowThreshold: number;
  /** The version of the rules that set these when the pool last changed. */
  readonly ruleVersion: number;
  /** Rises by one with every commit that changes the pool. */
  readonly version: number;
  /** Milliseconds since the Unix epoch, of the last change. */
  readonly changedAt: number;
  /** Milliseconds since the Unix epoch of the last count's own time; 0 before the first count. */
  readonly countedAt: number;
}

export type AvailabilityFlag = 'IN_STOCK' | 'LOW' | 'OUT';

/** What a change does to a pool. Deltas in whole units; negative takes away. */
export interface StockDelta {
  readonly onHand?: number;
  readonly reserved?: number;
  /** The part of `reserved` that is of a sale. */
  readonly saleReserved?: number;
  readonly unavailable?: number;
  readonly committed?: number;
}

/** Reservations of this channel are sales; those of every other channel are exchanges. */
export const SALE_CHANNEL = 'SALE';

/** The largest quantity a counter may hold: PostgreSQL's and protobuf's int32. */
export const QUANTITY_MAX = 2_147_483_647;

export function poolKey(sku: string, warehouse: string): string {
  return `${sku}\u0000${warehouse}`;
}

/**
 * free = on hand − unavailable − committed − (reserved − due) − safety stock. May be negative.
 * @param due units reserved past their deadline and not yet swept
 */
export function freeUnits(level: StockLevel, due = 0): number {
  return level.onHand - level.unavailable - level.committed - (level.reserved - due) - level.safetyStock;
}

/** What exchanges may still take: max(0, free). */
export function availableUnits(level: StockLevel, due = 0): number {
  return Math.max(0, freeUnits(level, due));
}

/**
 * What sales may still take: max(0, free − what the exchange minimum of the pool still lacks).
 * @param saleDue the part of `due` that is of sales
 */
export function saleAvailableUnits(level: StockLevel, due = 0, saleDue = 0): number {
  const heldByExchanges = level.reserved - level.saleReserved - (due - saleDue);
  const lacking = Math.max(0, level.exchangeMinimum - heldByExchanges);
  return Math.max(0, freeUnits(level, due) - lacking);
}

/** Units promised that are not there: max(0, reserved − due − (on hand − unavailable)). */
export function shortageUnits(level: StockLevel, due = 0): number {
  return Math.max(0, level.reserved - due - (level.onHand - level.unavailable));
}

/** @param lowThreshold available units at or below which a pool counts as low; 0 turns LOW off */
export function availabilityFlag(available: number, lowThreshold: number): AvailabilityFlag {
  if (available <= 0) return 'OUT';
  return available <= lowThreshold ? 'LOW' : 'IN_STOCK';
}

/**
 * Whether a pool could be flagged otherwise by another threshold, now or once what is reserved falls due: then it is
 * another one to whoever looks at it, and its version has to say so.
 */
export function canLookOther(level: StockLevel, lowThreshold: number): boolean {
  if (level.lowThreshold === lowThreshold) return false;
  const [lower, higher] = [Math.min(level.lowThreshold, lowThreshold), Math.max(level.lowThreshold, lowThreshold)];
  return availableUnits(level) <= higher && availableUnits(level, level.reserved) > lower;
}

/** Whether a delta leaves every counter between 0 and {@link QUANTITY_MAX}. */
export function fitsCounters(level: StockLevel, delta: StockDelta): boolean {
  return [
    level.onHand + (delta.onHand ?? 0),
    level.reserved + (delta.reserved ?? 0),
    level.saleReserved + (delta.saleReserved ?? 0),
    level.unavailable + (delta.unavailable ?? 0),
    level.committed + (delta.committed ?? 0),
  ].every((count) => count >= 0 && count <= QUANTITY_MAX);
}

/** The level after a delta; the version is raised once per unit of work, not here. */
export function applyDelta(level: StockLevel, delta: StockDelta): StockLevel {
  assertInvariant(fitsCounters(level, delta), `counter out of range in pool ${level.sku} at ${level.warehouse}`);
  return {
    ...level,
    onHand: level.onHand + (delta.onHand ?? 0),
    reserved: level.reserved + (delta.reserved ?? 0),
    saleReserved: level.saleReserved + (delta.saleReserved ?? 0),
    unavailable: level.unavailable + (delta.unavailable ?? 0),
    committed: level.committed + (delta.committed ?? 0),
  };
}
