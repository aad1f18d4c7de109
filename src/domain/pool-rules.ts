import type { Rules } from './rules.ts';
import { canLookOther, freeUnits, poolKey, type StockLevel } from './stock-level.ts';

/** Units of a pool that are never promised: the larger of `units` and `percent`. */
export interface SafetyStock {
  /** Empty means every item. */
  readonly sku: string;
  /** Empty means every warehouse. */
  readonly warehouse: string;
  /** Whole units, 0 or more. */
  readonly units: number;
  /** Percent of on hand, rounded up, 0 to 100. */
  readonly percent: number;
}

/** What exchanges have for themselves of one item, over all warehouses, and what they may take at most. */
export interface ExchangePool {
  /** Empty means every item. */
  readonly sku: string;
  /** Units kept from sales. */
  readonly minimum: number;
  /** Units exchanges may hold; 0 means no limit. */
  readonly maximum: number;
}

/** What one version of the rules says about pools, looked up by item and warehouse. */
export class PoolRules {
  readonly version: number;
  readonly #lowThreshold: number;
  readonly #safetyStocks: ReadonlyMap<string, SafetyStock>;
  readonly #exchangePools: ReadonlyMap<string, ExchangePool>;

  constructor({ version, lowThreshold, safetyStocks, exchangePools }: Rules) {
    this.version = version;
    this.#lowThreshold = lowThreshold;
    this.#safetyStocks = new Map(safetyStocks.map((rule) => [poolKey(rule.sku, rule.warehouse), rule]));
    this.#exchangePools = new Map(exchangePools.map((rule) => [rule.sku, rule]));
  }

  /**
   * The one entry that holds for a pool: for its item there, else for its item, else for its warehouse, else for all.
   * An entry of 0 units and 0 percent thus exempts what a wider entry would keep.
   */
  safetyStockOf({ sku, warehouse, onHand }: Pick<StockLevel, 'sku' | 'warehouse' | 'onHand'>): number {
    if (this.#safetyStocks.size === 0) return 0;
    const rule = this.safetyRuleOf(sku, warehouse);
    return rule === undefined ? 0 : Math.max(rule.units, Math.ceil((onHand * rule.percent) / 100));
  }

  /** The entry that holds for a pool, where there is one. */
  safetyRuleOf(sku: string, warehouse: string): SafetyStock | undefined {
    return (
      this.#safetyStocks.get(poolKey(sku, warehouse)) ??
      this.#safetyStocks.get(poolKey(sku, '')) ??
      this.#safetyStocks.get(poolKey('', warehouse)) ??
      this.#safetyStocks.get(poolKey('', ''))
    );
  }

  /** Units of an item kept for exchanges; 0 where there is no rule. */
  minimumOf(sku: string): number {
    return this.#exchangePoolOf(sku)?.minimum ?? 0;
  }

  /** Units of an item that exchanges may hold at most; 0 means no limit. */
  maximumOf(sku: string): number {
    return this.#exchangePoolOf(sku)?.maximum ?? 0;
  }

  /** The pool as these rules have it, without the part that depends on the other pools of its item. */
  applyTo(level: StockLevel): StockLevel {
    const safetyStock = this.safetyStockOf(level);
    const next = safetyStock === level.safetyStock ? level : { ...level, safetyStock };
    if (!canLookOther(next, this.#lowThreshold)) return next;
    return { ...next, lowThreshold: this.#lowThreshold };
  }

  /** A pool that is written anyway is written as of this version, whatever it changes. */
  stamp(level: StockLevel): StockLevel {
    return { ...level, lowThreshold: this.#lowThreshold, ruleVersion: this.version };
  }

  #exchangePoolOf(sku: string): ExchangePool | undefined {
    if (this.#exchangePools.size === 0) return undefined;
    return this.#exchangePools.get(sku) ?? this.#exchangePools.get('');
  }
}

const made = new WeakMap<Rules, PoolRules>();

/** Made once for each rules object. */
export function poolRulesOf(rules: Rules): PoolRules {
  const known = made.get(rules);
  if (known !== undefined) return known;
  const fresh = new PoolRules(rules);
  made.set(rules, fresh);
  return fresh;
}

/**
 * Shares the minimum of one item out over its pools: first to where exchanges hold units, then to where units are free,
 * each in the given order. What is nowhere to be had is not shared out.
 * @param levels all pools of the item, in the order of their warehouse codes
 * @returns the part of each pool: held by exchanges or to be kept free for them
 */
export function shareMinimum(levels: readonly StockLevel[], minimum: number): number[] {
  let rest = minimum;
  const take = (units: number): number => {
    const part = Math.min(rest, Math.max(0, units));
    rest -= part;
    return part;
  };
  const held = levels.map((level) => take(level.reserved - level.saleReserved));
  const kept = levels.map((level) => take(freeUnits(level)));
  return levels.map((_, at) => (held[at] ?? 0) + (kept[at] ?? 0));
}
