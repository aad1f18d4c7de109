import type { Item } from '../domain/item.ts';
import type { Statement } from './statements.ts';

/**
 * Items whose tracking is about to change, and that they have no stock. The lock keeps pools from being made meanwhile;
 * one that was made since the decision and has stock ends the transaction.
 */
export function lockRetracked(items: readonly Item[]): Statement[] {
  const values = [items.map((item) => item.sku), items.map((item) => item.tracking)];
  const changing = `unnest($1::text[], $2::text[]) as w (sku, tracking)
      join item i on i.sku = w.sku and i.tracking <> w.tracking`;
  return [
    { name: 'lock-retracked', text: `select 1 from ${changing} order by i.sku for update of i`, values },
    {
      name: 'assert-retracked',
      text: `select assert_rows((select count(*) from ${changing} join stock_pool p on p.sku = i.sku
          where p.on_hand + p.reserved + p.unavailable + p.committed > 0), 0, 'stock of items with another tracking')`,
      values,
    },
  ];
}
