import { createHash } from 'node:crypto';
import type { Ids, Outcome, UnitOfWork } from '../../src/ports.ts';
import type { Call, RequestKey } from '../../src/use-cases/call.ts';
import { putItems, putWarehouses, receiveStock } from '../../src/use-cases/stock.ts';
import { SAMPLE_ITEMS, SAMPLE_WAREHOUSES, type SampleItem } from './sample-data.ts';

/** What the sample catalogue holds. */
export interface SampleCounts {
  readonly warehouses: number;
  readonly items: number;
  /** Units on hand over all warehouses. */
  readonly units: number;
}

const CALL: Call = { caller: { principal: 'sample-catalogue', actorType: 'SERVICE', channel: '' }, trace: null };

/**
 * Loads warehouses, items and stock. Its request ids are always the same, so that loading it again does nothing for as
 * long as request ids are kept.
 * @throws Error where a part is refused, which only happens when other data stand in its way
 */
export async function loadSampleCatalogue(deps: {
  readonly unitOfWork: UnitOfWork;
  readonly ids: Ids;
}): Promise<SampleCounts> {
  const warehouses = SAMPLE_WAREHOUSES;
  accepted(await putWarehouses(deps, { ...keyOf('warehouses', warehouses), warehouses }, CALL));
  const items = SAMPLE_ITEMS.map((item) => toItem(item, deps.ids.uuid()));
  accepted(await putItems(deps, { ...keyOf('items', SAMPLE_ITEMS), items }, CALL));
  const receipts = SAMPLE_ITEMS.flatMap(receiptsOf);
  accepted(await receiveStock(deps, { ...keyOf('stock', receipts), reason: 'SAMPLE', receipts }, CALL));
  const units = receipts.reduce((sum, receipt) => sum + receipt.delta.onHand, 0);
  return { warehouses: warehouses.length, items: items.length, units };
}

function toItem({ sku, name, product, attributes }: SampleItem, itemId: string) {
  return { itemId, sku, name, product, attributes, tracking: 'QUANTITY' as const, equivalentSkus: [], retired: false };
}

/** Also of nothing at all: the pool is then known, and shown as sold out. */
function receiptsOf({ sku, onHand }: SampleItem) {
  return SAMPLE_WAREHOUSES.map(({ code }, at) => ({ sku, warehouse: code, delta: { onHand: onHand[at] ?? 0 } }));
}

/** The hash leaves out what is random, so that a repetition is recognised. */
function keyOf(part: string, content: unknown): RequestKey {
  return {
    requestId: `sample-catalogue-${part}`,
    contentHash: createHash('sha256').update(JSON.stringify(content)).digest(),
  };
}

function accepted(outcome: Outcome): void {
  if (!outcome.ok) throw new Error(`the sample catalogue was refused: ${outcome.refusal.message}`);
}
