import { type Refusal, refuse } from './refusal.ts';
import { applyDelta, fitsCounters, type StockDelta, type StockLevel } from './stock-level.ts';

/** How far a count's own time may lie ahead of our clock, in milliseconds. */
export const COUNT_CLOCK_SKEW_MAX_MS = 300_000;

/** A physical count of one pool: replaces on hand as it was at `countedAt`. */
export interface StockCount {
  readonly sku: string;
  readonly warehouse: string;
  readonly onHand: number;
  readonly unavailable: number | null;
  readonly committed: number | null;
  /** Compare-and-set: refuse unless on hand is this now. */
  readonly expectedOnHand: number | null;
  /** Milliseconds since the Unix epoch, or null for now. */
  readonly countedAt: number | null;
  /** The feed already subtracts what is reserved; on hand is then this number plus reserved. */
  readonly netOfReserved: boolean;
}

export type CountResult =
  | { readonly outcome: 'counted'; readonly level: StockLevel }
  | { readonly outcome: 'ignored' }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

/**
 * Applies a count. Movements that occurred after `countedAt` are applied on top; a count older than the last one is
 * ignored. Physical truth wins: on hand may fall below reserved, which is then a shortage.
 * @param movedSince sum of on hand changes recorded after `countedAt`, in units
 */
export function applyCount(level: StockLevel, count: StockCount, movedSince: number, now: number): CountResult {
  const claimedAt = count.countedAt ?? now;
  if (claimedAt > now + COUNT_CLOCK_SKEW_MAX_MS) {
    return refusedCount(
      refuse('INVALID_FIELD', 'the count lies in the future', {
        field: 'counted_time',
        counted_time: new Date(claimedAt).toISOString(),
      }),
    );
  }
  if (count.expectedOnHand !== null && count.expectedOnHand !== level.onHand) {
    return refusedCount(
      refuse('ETAG_MISMATCH', 'on hand is not what was expected', {
        on_hand: level.onHand,
        sku: level.sku,
        warehouse: level.warehouse,
      }),
    );
  }
  // A clock ahead of ours must not make what happens next look older than the count.
  const countedAt = Math.min(claimedAt, now);
  if (countedAt < level.countedAt) return { outcome: 'ignored' };
  const onHand = count.onHand + movedSince + (count.netOfReserved ? level.reserved : 0);
  const delta = {
    onHand: onHand - level.onHand,
    unavailable: (count.unavailable ?? level.unavailable) - level.unavailable,
    committed: (count.committed ?? level.committed) - level.committed,
  };
  if (!fitsCounters(level, delta)) {
    return refusedCount(
      refuse('INVALID_FIELD', 'the count contradicts later movements', {
        field: 'on_hand',
        sku: level.sku,
        warehouse: level.warehouse,
        on_hand: onHand,
      }),
    );
  }
  return { outcome: 'counted', level: { ...applyDelta(level, delta), countedAt } };
}

/** What a change still does to a pool: a count has seen what left before it, and its number says so already. */
export function uncountedDelta(level: StockLevel, delta: StockDelta, occurredAt: number): StockDelta {
  return occurredAt < level.countedAt ? { ...delta, onHand: 0 } : delta;
}

function refusedCount(refusal: Refusal): CountResult {
  return { outcome: 'refused', refusal };
}
