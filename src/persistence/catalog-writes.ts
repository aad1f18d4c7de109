import type { WorkingSet } from '../domain/working-set.ts';
import type { Statement } from './statements.ts';

/** Items and warehouses are few and rarely written, so each is one statement. */
export function catalogStatements(work: WorkingSet): Statement[] {
  const items = [...work.putItems.values()].sort((a, b) => (a.sku < b.sku ? -1 : 1));
  const warehouses = [...work.putWarehouses.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
  return [
    ...items.map((item) => ({
      name: 'put-item',
      text: `insert into item (sku, item_id, name, tracking, product, attributes, equivalent_skus, retired)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (sku) do update set name = excluded.name, tracking = excluded.tracking, product = excluded.product,
          attributes = excluded.attributes, equivalent_skus = excluded.equivalent_skus, retired = excluded.retired`,
      values: [
        item.sku,
        item.itemId,
        item.name,
        item.tracking,
        item.product,
        JSON.stringify(item.attributes),
        item.equivalentSkus,
        item.retired,
      ],
    })),
    ...warehouses.map((warehouse) => ({
      name: 'put-warehouse',
      text: `insert into warehouse (code, name, time_zone, priority, country_code, postal_code, enabled, wms)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (code) do update set name = excluded.name, time_zone = excluded.time_zone,
          priority = excluded.priority, country_code = excluded.country_code, postal_code = excluded.postal_code,
          enabled = excluded.enabled, wms = excluded.wms`,
      values: [
        warehouse.code,
        warehouse.name,
        warehouse.timeZone,
        warehouse.priority,
        warehouse.countryCode,
        warehouse.postalCode,
        warehouse.enabled,
        warehouse.wms,
      ],
    })),
    ...(items.length + warehouses.length > 0 ? [BUMP_CATALOG] : []),
  ];
}

/** Tells every process that the items and warehouses it remembers are old. */
const BUMP_CATALOG: Statement = {
  name: 'bump-catalog',
  text: 'update incarnation set catalog_version = catalog_version + 1',
  values: [],
};
