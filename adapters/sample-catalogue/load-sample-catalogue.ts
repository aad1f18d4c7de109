import { hash } from 'node:crypto';
import { type Caller, CLOCK_CALLER } from '../../src/domain/caller.ts';
import type { Item } from '../../src/domain/item.ts';
import type { Ids, Outcome, UnitOfWork } from '../../src/ports.ts';
import { putItems, putWarehouses, receiveStock } from '../../src/use-cases/stock.ts';
import { SAMPLE_ITEMS, SAMPLE_STOCK, SAMPLE_WAREHOUSES } from './sample-catalogue.ts';

const CALLER: Caller = { principal: 'sample-catalogue', actorType: 'SERVICE', channel: '' };
const CALL = { caller: CALLER, trace: null };

/** Raised with the content, so that a changed sample is not taken for a repetition. */
const REQUEST_ID_PREFIX = 'sample-1';

/**
 * Loads the sample catalogue with its stock through the ordinary use cases. The request ids are always the same, so
 * two processes that start together load it once.
 * @throws Error where the service refuses it
 */
export async function loadSampleCatalogue(deps: {
  readonly unitOfWork: UnitOfWork;
  readonly ids: Ids;
}): Promise<{ readonly items: number; readonly warehouses: number }> {
  const items: Item[] = SAMPLE_ITEMS.map((item) => ({
    ...item,
    itemId: deps.ids.uuid(),
    tracking: 'QUANTITY',
    equivalentSkus: [],
    retired: false,
  }));
  const receipts = SAMPLE_ITEMS.flatMap(({ sku }) =>
    Object.entries(SAMPLE_STOCK).map(([warehouse, onHand]) => ({ sku, warehouse, delta: { onHand } })),
  );
  done(await putWarehouses(deps, { ...keyOf('warehouses', SAMPLE_WAREHOUSES), warehouses: SAMPLE_WAREHOUSES }, CALL));
  done(await putItems(deps, { ...keyOf('items', SAMPLE_ITEMS), items }, CALL));
  done(await receiveStock(deps, { ...keyOf('stock', receipts), reason: 'sample catalogue', receipts }, CALL));
  return { items: items.length, warehouses: SAMPLE_WAREHOUSES.length };
}

function keyOf(part: string, content: unknown) {
  return { requestId: `${REQUEST_ID_PREFIX}-${part}`, contentHash: hash('sha256', JSON.stringify(content), 'buffer') };
}

function done(outcome: Outcome): void {
  if (!outcome.ok) throw new Error(`the sample catalogue was refused: ${outcome.refusal.message}`);
}
