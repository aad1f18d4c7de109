import type { PoolClient } from 'pg';
import { FIRST_RULES, type Rules } from '../domain/rules.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import { toWarehouse, type WarehouseRow } from './rows.ts';
import { pipeline, rowsOf } from './statements.ts';

/** Rule versions kept in memory; older ones are read again when a unit needs them. */
const RULES_KEPT_MAX = 16;

/** Rules and warehouses as of the versions a unit has read; both change rarely and are small. */
export class CatalogCache {
  readonly #rules = new Map<number, Rules>();
  #warehouses: { readonly version: string; readonly list: readonly Warehouse[] } | null = null;

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
}
