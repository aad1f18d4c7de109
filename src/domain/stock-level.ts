import { assertInvariant } from './refusal.ts';

/** A pool: the stock of one SKU in one warehouse. Quantities are whole units, 0 or more. */
export interface StockLevel {
  readonly sku: string;
  readonly warehouse: string;
  /** Physically in the warehouse. */
  readonly onHand: number;
  /** Promised to exchanges, due ones included. */
  readonly reserved: number;
  /** On hand but damaged or in quarantine. */
  readonly unavailable: number;
  /** Sold through other systems and not yet shipped. */
  readonly committed: number;
  /** Never promised. */
  readonly safetyStock: number;
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
  readonly unavailable?: number;
  readonly committed?: number;
}

export const EMPTY_COUNTS = { onHand: 0, reserved: 0, unavailable: 0, committed: 0, safetyStock: 0 } as const;

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

/** Units promised that are not there: max(0, reserved − due − (on hand − unavailable)). */
export function shortageUnits(level: StockLevel, due = 0): number {
  return Math.max(0, level.reserved - due - (level.onHand - level.unavailable));
}

/** @param lowThreshold available units at or below which a pool counts as low; 0 turns LOW off */
export function availabilityFlag(available: number, lowThreshold: number): AvailabilityFlag {
  if (available <= 0) return 'OUT';
  return available <= lowThreshold ? 'LOW' : 'IN_STOCK';
}

/** Whether a delta leaves every counter between 0 and {@link QUANTITY_MAX}. */
export function fitsCounters(level: StockLevel, delta: StockDelta): boolean {
  return [
    level.onHand + (delta.onHand ?? 0),
    level.reserved + (delta.reserved ?? 0),
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
    unavailable: level.unavailable + (delta.unavailable ?? 0),
    committed: level.committed + (delta.committed ?? 0),
  };
}
