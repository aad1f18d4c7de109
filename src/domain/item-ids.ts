import type { Item } from './item.ts';
import { type Refusal, refuse, unsupported } from './refusal.ts';
import type { WorkingSet } from './working-set.ts';

/**
 * Items with the ids they keep. What is held is held of an item for good: its SKU is never given to another item, and
 * stays its SKU also once it is retired.
 * @param named the ids that the caller chose; the others are only for SKUs that are new
 */
export function keepItemIds(
  work: WorkingSet,
  items: readonly Item[],
  named: ReadonlySet<string>,
): readonly Item[] | Refusal {
  const kept = new Map<string, Item>();
  for (const item of items) {
    const known = kept.get(item.sku) ?? work.item(item.sku);
    if (named.has(item.itemId)) {
      const refusal = checkItemId(work, item, known, [...kept.values()]);
      if (refusal !== null) return refusal;
    }
    kept.set(item.sku, { ...item, itemId: known?.itemId ?? item.itemId });
  }
  return items.map((item) => ({ ...item, itemId: kept.get(item.sku)?.itemId ?? item.itemId }));
}

function checkItemId(
  work: WorkingSet,
  { sku, itemId }: Item,
  known: Item | null,
  before: readonly Item[],
): Refusal | null {
  if (known !== null && known.itemId !== itemId) {
    return refuse('INVALID_FIELD', `the SKU ${sku} belongs to another item`, {
      field: 'items.item_id',
      sku,
      item_id: known.itemId,
    });
  }
  const owner = before.find((one) => one.itemId === itemId)?.sku ?? work.skuOf(itemId);
  return owner === null || owner === sku ? null : unsupported('another SKU for an item');
}
