import { poolKey } from '../domain/stock-level.ts';
import type { PoolRef } from '../domain/working-set.ts';
import type { PoolFilter } from '../ports/feeds.ts';
import type { StockView } from '../ports.ts';
import { type Bell, createBell } from './bell.ts';

/** One reader of pools. It has at most one value waiting per pool, however slow it is. */
export interface PoolSubscriber {
  readonly bell: Bell;
  matches(pool: PoolRef): boolean;
  /** Keeps the value for the reader; a later one takes its place. */
  offer(view: StockView): void;
  /** Whether a value read for the snapshot is still the newest; a waiting older one is dropped. */
  isNewest(view: StockView): boolean;
  /** The value that has waited longest. */
  take(): StockView | undefined;
  hasPending(): boolean;
  close(): void;
  isClosed(): boolean;
}

export function createPoolSubscriber(filter: PoolFilter): PoolSubscriber {
  const skus = new Set(filter.skus);
  const warehouses = new Set(filter.warehouses);
  const pending = new Map<string, StockView>();
  const bell = createBell();
  let closed = false;
  return {
    bell,
    matches: ({ sku, warehouse }) =>
      (skus.size === 0 || skus.has(sku)) && (warehouses.size === 0 || warehouses.has(warehouse)),
    offer(view) {
      pending.set(poolKey(view.level.sku, view.level.warehouse), view);
      bell.ring();
    },
    isNewest(view) {
      const key = poolKey(view.level.sku, view.level.warehouse);
      const waiting = pending.get(key);
      if (waiting !== undefined && waiting.level.version > view.level.version) return false;
      pending.delete(key);
      return true;
    },
    take() {
      for (const [key, view] of pending) {
        pending.delete(key);
        return view;
      }
      return undefined;
    },
    hasPending: () => pending.size > 0,
    close() {
      closed = true;
      bell.ring();
    },
    isClosed: () => closed,
  };
}
