import type { SourcingRequest } from './sourcing.ts';
import { availableUnits, poolKey } from './stock-level.ts';

/** A pool as a decision saw it: SKU, warehouse, units available to exchanges, version. */
export type SeenPool = readonly [sku: string, warehouse: string, available: number, version: number];

/** Pools kept of one decision: enough for every warehouse of some lines, and a bound on the size of its event. */
export const SEEN_POOLS_MAX = 50;

/** The pools a request can be served from, in the order they are asked, each once. */
export function seenPools({ demands, pools, warehouses }: SourcingRequest): SeenPool[] {
  const seen: SeenPool[] = [];
  for (const sku of new Set(demands.map((demand) => demand.sku))) {
    const pinned = demands.filter((demand) => demand.sku === sku).map((demand) => demand.warehouse);
    for (const { code } of warehouses) {
      const level = pools.get(poolKey(sku, code));
      if (level === undefined || !(pinned.includes('') || pinned.includes(code))) continue;
      if (seen.length === SEEN_POOLS_MAX) return seen;
      seen.push([sku, code, availableUnits(level), level.version]);
    }
  }
  return seen;
}
