import type { Pool } from 'pg';
import { FITTING_ITEMS_MAX } from '../domain/wanted-item.ts';
import type { WantedItems } from '../ports/wanted-items.ts';
import type { Statement } from './statements.ts';

export function createWantedItems(pool: Pool): WantedItems {
  return {
    async find(wanted) {
      const result = await pool.query<{ fitting: string[] }>({
        name: 'find-wanted-items',
        text: `select array(
            select fits.sku from item returned join item fits on fits.product = returned.product and fits.product <> ''
            where returned.sku = w.returned_sku and not fits.retired and fits.attributes @> w.attributes::jsonb
            limit $3::int) as fitting
          from unnest($1::text[], $2::text[]) with ordinality as w (returned_sku, attributes, at) order by w.at`,
        values: [
          wanted.map(({ returnedSku }) => returnedSku),
          wanted.map(({ attributes }) => JSON.stringify(attributes)),
          FITTING_ITEMS_MAX,
        ],
      });
      return result.rows.map((row) => row.fitting);
    },
  };
}

/** Items are never renamed or deleted, so that no lock is needed: an id that another unit puts meanwhile is put once. */
export function readItemOwners(itemIds: readonly string[]): Statement {
  return {
    name: 'read-item-owners',
    text: 'select i.item_id, i.sku from item i where i.item_id = any($1::text[])',
    values: [itemIds],
  };
}
