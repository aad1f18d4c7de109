import type { PoolClient } from 'pg';
import { type CompileRule, makeChecks } from '../domain/eligibility.ts';
import type { Item } from '../domain/item.ts';
import type { RuleSet } from '../domain/rule-book.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import { ITEM_COLUMNS, type ItemRow, toItem, toWarehouse, type WarehouseRow } from './rows.ts';
import { RULE_COLUMNS, type RuleRow, toRules } from './rule-rows.ts';
import { pipeline, rowsOf } from './statements.ts';

/** Rule versions kept in memory; others are read again when a unit needs them. */
const RULES_KEPT_MAX = 64;

/** Items kept in memory; with more in use, all are read again. */
const ITEMS_KEPT_MAX = 50_000;

/** Rules, warehouses and items as of the versions a unit has read; all change rarely. */
export class CatalogCache {
  readonly #compileRule: CompileRule;
  #countsCustomers = false;
  readonly #ruleSets = new Map<number, RuleSet>();
  #warehouses: { readonly version: string; readonly list: readonly Warehouse[] } | null = null;
  #items: { readonly version: string; readonly bySku: Map<string, Item> } = { version: '', bySku: new Map() };

  constructor(compileRule: CompileRule) {
    this.#compileRule = compileRule;
  }

  /** Whether the rules last asked for limit what a customer may have, so that customers are worth locking. */
  get countsCustomers(): boolean {
    return this.#countsCustomers;
  }

  /** The version of the rules that holds, its eligibility rules compiled once. */
  async ruleSet(client: PoolClient, version: number): Promise<RuleSet> {
    const [set] = await this.ruleSets(client, [version]);
    if (set === undefined) throw new Error(`rule version ${version} is missing`);
    this.#countsCustomers = set.rules.maxLivePerCustomer > 0;
    return set;
  }

  /** Versions by which reservations were decided, in one read of those that are not known. */
  async ruleSets(client: PoolClient, versions: readonly number[]): Promise<RuleSet[]> {
    const sets = versions.flatMap((version) => this.#ruleSets.get(version) ?? []);
    const unknown = versions.filter((version) => !this.#ruleSets.has(version));
    if (unknown.length === 0) return sets;
    const [result] = await pipeline(client, 'read rules', [
      {
        name: 'read-rules',
        text: `select ${RULE_COLUMNS} from rule_version v where v.version = any($1::bigint[])`,
        values: [unknown],
      },
    ]);
    if (this.#ruleSets.size + unknown.length > RULES_KEPT_MAX) this.#ruleSets.clear();
    for (const row of rowsOf<RuleRow & Record<string, unknown>>(result)) {
      const rules = toRules(row);
      const set: RuleSet = { rules, checks: makeChecks(rules, this.#compileRule) };
      this.#ruleSets.set(rules.version, set);
      sets.push(set);
    }
    return sets;
  }

  async warehouses(client: PoolClient, version: string): Promise<readonly Warehouse[]> {
    if (this.#warehouses?.version === version) return this.#warehouses.list;
    const [result] = await pipeline(client, 'read warehouses', [
      { name: 'read-warehouses', text: 'select * from warehouse order by priority, code', values: [] },
    ]);
    const list = rowsOf<WarehouseRow>(result).map(toWarehouse);
    this.#warehouses = { version, list };
    return list;
  }

  /** The items of SKUs; one that is not in the catalogue is left out, and looked for again the next time. */
  async items(client: PoolClient, version: string, skus: readonly string[]): Promise<ReadonlyMap<string, Item>> {
    if (this.#items.version !== version || this.#items.bySku.size > ITEMS_KEPT_MAX) {
      this.#items = { version, bySku: new Map() };
    }
    const { bySku } = this.#items;
    const unknown = skus.filter((sku) => !bySku.has(sku));
    if (unknown.length > 0) {
      const [result] = await pipeline(client, 'read items', [
        {
          name: 'read-items',
          text: `select ${ITEM_COLUMNS} from item i where i.sku = any($1::text[])`,
          values: [unknown],
        },
      ]);
      for (const row of rowsOf<ItemRow & Record<string, unknown>>(result)) bySku.set(row.sku, toItem(row));
    }
    return bySku;
  }
}
