import { availableUnits, poolKey, type StockLevel, saleAvailableUnits } from './stock-level.ts';
import type { PoolRef, WorkingSet } from './working-set.ts';

/** What is available of the SKUs that are short somewhere, as it was last looked at. */
export class AvailableElsewhere {
  readonly #loaded: readonly StockLevel[];
  readonly #seen = new Map<string, readonly [exchanges: number, sales: number]>();

  constructor(loaded: readonly StockLevel[]) {
    this.#loaded = loaded;
  }

  /** Which of these SKUs have more available in some pool than before, also by the rules alone. */
  risen(work: WorkingSet, skus: ReadonlySet<string>): Set<string> {
    const risen = new Set<string>();
    for (const loaded of this.#loaded) {
      if (!skus.has(loaded.sku)) continue;
      const key = poolKey(loaded.sku, loaded.warehouse);
      const level = work.pools.get(key) ?? loaded;
      const before = this.#seen.get(key) ?? [availableUnits(loaded), saleAvailableUnits(loaded)];
      const after = [availableUnits(level), saleAvailableUnits(level)] as const;
      this.#seen.set(key, after);
      if (after[0] > before[0] || after[1] > before[1]) risen.add(loaded.sku);
    }
    return risen;
  }
}

/** Whether another warehouse has anything of the SKU. */
export function isElsewhere(work: WorkingSet, { sku, warehouse }: PoolRef): boolean {
  return work.warehouses().some(({ code }) => {
    const level = code === warehouse ? undefined : work.pools.get(poolKey(sku, code));
    return level !== undefined && availableUnits(level) > 0;
  });
}
