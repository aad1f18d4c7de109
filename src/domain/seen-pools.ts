import { heldSkusOf } from './equivalents.ts';
import { availableTo, type SourcingRequest } from './sourcing.ts';
import { poolKey } from './stock-level.ts';

/** A pool as a decision saw it: SKU, warehouse, units available to the exchange or sale, version. */
export type SeenPool = readonly [sku: string, warehouse: string, available: number, version: number];

/** Pools kept of one decision: enough for every warehouse of some lines, and a bound on the size of its event. */
export const SEEN_POOLS_MAX = 50;

/** The pools a request can be served from, in the order they are asked, each once. */
export function seenPools(request: SourcingRequest): SeenPool[] {
  const { demands, pools, warehouses } = request;
  const seen: SeenPool[] = [];
  for (const sku of heldSkusOf(demands)) {
    const asking = demands.filter((demand) => demand.sku === sku || demand.substitutes?.includes(sku));
    const pinned = asking.map((demand) => demand.warehouse);
    for (const { code } of warehouses) {
      const level = pools.get(poolKey(sku, code));
      if (level === undefined || !(pinned.includes('') || pinned.includes(code))) continue;
      if (seen.length === SEEN_POOLS_MAX) return seen;
      seen.push([sku, code, availableTo(request, level), level.version]);
    }
  }
  return seen;
}
