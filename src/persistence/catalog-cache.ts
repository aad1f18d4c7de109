import type { PoolClient } from 'pg';
import type { Item } from '../domain/item.ts';
import { FIRST_RULES, type Rules } from '../domain/rules.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import { ITEM_COLUMNS, type ItemRow, toItem, toWarehouse, type WarehouseRow } from './rows.ts';
import { pipeline, rowsOf } from './statements.ts';

/** Rule versions kept in memory; older ones are read again when a unit needs them. */
const RULES_KEPT_MAX = 16;

/** Items kept in memory; with more in use, all are read again. */
const ITEMS_KEPT_MAX = 50_000;

/** Rules, warehouses and items as of the versions a unit has read; all change rarely. */
export class CatalogCache {
  readonly #rules = new Map<number, Rules>();
  #warehouses: { readonly version: string; readonly list: readonly Warehouse[] } | null = null;
  #items: { readonly version: string; readonly bySku: Map<string, Item> } = { version: '', bySku: new Map() };

  async rules(client: PoolClient, version: number): Promise<Rules> {
    const known = this.#rules.get(version);
    if (known !== undefined) return known;
    const [result] = await pipeline(client, 'read rules', [
      {
        name: 'read-rules',
        text: 'select body::text as body from rule_version where version = $1::bigint',
        values: [version],
      },
    ]);
    const [row] = rowsOf<{ body: string }>(result);
    if (row === undefined) throw new Error(`rule version ${version} is missing`);
    const rules: Rules = { ...FIRST_RULES, ...(JSON.parse(row.body) as Partial<Rules>), version };
    if (this.#rules.size >= RULES_KEPT_MAX) this.#rules.clear();
    this.#rules.set(version, rules);
    return rules;
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
