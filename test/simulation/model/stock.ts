import type { StockCount } from '../../../src/domain/counting.ts';
import type { MoveCommand } from '../commands.ts';
import { canonOfPool } from './canon.ts';
import { isKnownSku, isKnownWarehouse, type Model, type ModelOutcome, poolOf, reservedIn } from './state.ts';

const SKEW_MS = 300_000;

/** Receipts and adjustments: all or none, no counter below zero at any line. */
export function applyMove(model: Model, command: MoveCommand): ModelOutcome {
  const after = new Map<string, { onHand: number; unavailable: number; committed: number }>();
  for (const { sku, warehouse, delta } of command.changes) {
    const refused = checkNames(sku, warehouse);
    if (refused !== null) return { refused };
    const key = `${sku}@${warehouse}`;
    const counts = { ...(after.get(key) ?? poolOf(model, sku, warehouse)) };
    counts.onHand += delta.onHand ?? 0;
    counts.unavailable += delta.unavailable ?? 0;
    counts.committed += delta.committed ?? 0;
    if (counts.onHand < 0 || counts.unavailable < 0 || counts.committed < 0) return { refused: 'INVALID_FIELD' };
    after.set(key, counts);
  }
  for (const [key, counts] of after) {
    const [sku = '', warehouse = ''] = key.split('@');
    const pool = poolOf(model, sku, warehouse);
    pool.moves.push({ at: model.now, delta: counts.onHand - pool.onHand });
    pool.onHand = counts.onHand;
    pool.unavailable = counts.unavailable;
    pool.committed = counts.committed;
  }
  return levels(model, command.changes);
}

export function levels(model: Model, pools: readonly { readonly sku: string; readonly warehouse: string }[]) {
  const keys = [...new Set(pools.map(({ sku, warehouse }) => `${sku}@${warehouse}`))].sort();
  return { levels: keys.map((key) => canonOfPool(model, key)), replayed: false };
}

/**
 * Counts, as they were at their own time: what moved later is applied on top. All or none.
 * @returns why not, or how many were applied
 */
export function applyCounts(model: Model, counts: readonly StockCount[]): string | number {
  const done: { count: StockCount; at: number; onHand: number }[] = [];
  const seen = new Map<string, { onHand: number; unavailable: number; committed: number; countedAt: number }>();
  for (const count of counts) {
    const refused = checkNames(count.sku, count.warehouse);
    if (refused !== null) return refused;
    const key = `${count.sku}@${count.warehouse}`;
    const pool = poolOf(model, count.sku, count.warehouse);
    const current = seen.get(key) ?? pool;
    const claimedAt = count.countedAt ?? model.now;
    if (claimedAt > model.now + SKEW_MS) return 'INVALID_FIELD';
    if (count.expectedOnHand !== null && count.expectedOnHand !== current.onHand) return 'ETAG_MISMATCH';
    const at = Math.min(claimedAt, model.now);
    if (at < current.countedAt) continue;
    const later = pool.moves.filter((move) => move.at > at);
    const moved = later.reduce((sum, move) => sum + move.delta, 0);
    const onHand = count.onHand + moved + (count.netOfReserved ? reservedIn(model, count.sku, count.warehouse) : 0);
    if (onHand < 0) return 'INVALID_FIELD';
    seen.set(key, {
      onHand,
      unavailable: count.unavailable ?? current.unavailable,
      committed: count.committed ?? current.committed,
      countedAt: at,
    });
    done.push({ count, at, onHand });
  }
  for (const { count, at, onHand } of done) {
    const pool = poolOf(model, count.sku, count.warehouse);
    pool.moves.push({ at, delta: onHand - pool.onHand });
    pool.onHand = onHand;
    pool.unavailable = count.unavailable ?? pool.unavailable;
    pool.committed = count.committed ?? pool.committed;
    pool.countedAt = at;
  }
  return done.length;
}

function checkNames(sku: string, warehouse: string): string | null {
  if (!isKnownSku(sku)) return 'UNKNOWN_SKU';
  return isKnownWarehouse(warehouse) ? null : 'UNKNOWN_WAREHOUSE';
}
