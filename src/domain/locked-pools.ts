import { type PoolRules, poolRulesOf, shareMinimum } from './pool-rules.ts';
import type { Rules } from './rules.ts';
import { poolKey, type StockLevel } from './stock-level.ts';

/**
 * The locked pools of one unit of work, always as the rules in force have them: what rules say of a pool moves with its
 * counters, and with the rules themselves. All pools of an item are there, or none.
 */
export class LockedPools {
  readonly #levels = new Map<string, StockLevel>();
  readonly #loaded = new Map<string, StockLevel>();
  /** Keys of the pools of each item, in the order of their warehouse codes; made when first asked for. */
  #bySku: ReadonlyMap<string, readonly string[]> | null = null;
  #rules: PoolRules;

  constructor(levels: readonly StockLevel[], rules: Rules) {
    for (const level of levels) {
      const key = poolKey(level.sku, level.warehouse);
      this.#levels.set(key, level);
      this.#loaded.set(key, level);
    }
    this.#rules = poolRulesOf(rules);
    this.#applyRules();
  }

  /** By {@link poolKey}. */
  get levels(): ReadonlyMap<string, StockLevel> {
    return this.#levels;
  }

  get(key: string): StockLevel | undefined {
    return this.#levels.get(key);
  }

  /** Other rules hold from here on. */
  follow(rules: Rules): void {
    this.#rules = poolRulesOf(rules);
    this.#applyRules();
  }

  /** Puts the pool as a change has left it. */
  set(level: StockLevel): void {
    this.#levels.set(poolKey(level.sku, level.warehouse), this.#rules.applyTo(level));
    if (this.#rules.minimumOf(level.sku) > 0) this.#share(level.sku);
  }

  /** Pools that differ from what was loaded, with their loaded form; versions are raised by one here. */
  changed(now: number): { readonly before: StockLevel; readonly after: StockLevel }[] {
    const changed: { before: StockLevel; after: StockLevel }[] = [];
    for (const [key, after] of this.#levels) {
      const before = this.#loaded.get(key);
      if (before === undefined || before === after) continue;
      changed.push({ before, after: { ...this.#rules.stamp(after), version: before.version + 1, changedAt: now } });
    }
    return changed;
  }

  #applyRules(): void {
    const shared = new Set<string>();
    for (const [key, level] of this.#levels) {
      const next = this.#rules.applyTo(level);
      if (next !== level) this.#levels.set(key, next);
      if (level.exchangeMinimum > 0 || this.#rules.minimumOf(level.sku) > 0) shared.add(level.sku);
    }
    for (const sku of shared) this.#share(sku);
  }

  #share(sku: string): void {
    const levels = this.#poolsOf(sku);
    const parts = shareMinimum(levels, this.#rules.minimumOf(sku));
    for (const [at, level] of levels.entries()) {
      const exchangeMinimum = parts[at] ?? 0;
      if (exchangeMinimum === level.exchangeMinimum) continue;
      this.#levels.set(poolKey(sku, level.warehouse), { ...level, exchangeMinimum });
    }
  }

  #poolsOf(sku: string): StockLevel[] {
    this.#bySku ??= keysBySku(this.#levels);
    return (this.#bySku.get(sku) ?? []).flatMap((key) => this.#levels.get(key) ?? []);
  }
}

function keysBySku(levels: ReadonlyMap<string, StockLevel>): Map<string, string[]> {
  const bySku = new Map<string, string[]>();
  for (const key of [...levels.keys()].sort()) {
    const sku = levels.get(key)?.sku ?? '';
    const keys = bySku.get(sku);
    if (keys === undefined) bySku.set(sku, [key]);
    else keys.push(key);
  }
  return bySku;
}
