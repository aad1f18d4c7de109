import { createHash } from 'node:crypto';
import { create, equals, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { type Item, ItemSchema, type Warehouse, WarehouseSchema } from '../../../src/gen/earmark/v1/stock_pb.ts';
import { type CountStockRequestSchema, PutItemsRequestSchema } from '../../../src/gen/earmark/v1/stock_service_pb.ts';
import { toRefusal } from '../failures.ts';
import type { Session } from '../session.ts';
import { stockPages } from '../stock-pages.ts';
import type { StockRow, WarehouseFacts } from './stock-row.ts';

/** What stands on each movement an import makes. */
const REASON = 'STOCK_IMPORT';

/** Letters of a content hash that tell one request from another of the same import. */
const HASH_LETTERS = 16;

/** One import: all its request ids begin with the same name, so that a repetition is answered and not done again. */
export interface ImportRun {
  readonly session: Session;
  readonly name: string;
  readonly warehouses: ReadonlyMap<string, WarehouseFacts>;
}

/** Puts the warehouses the file says something of, where the service knows them otherwise. */
export async function importWarehouses(run: ImportRun): Promise<void> {
  for (const [code, facts] of run.warehouses) {
    if (Object.keys(facts).length === 0) continue;
    const { entries } = await run.session.stock.listStock({ warehouses: [code], pageSize: 1 });
    const known = entries[0]?.warehouse;
    const wanted = create(WarehouseSchema, { ...(known ?? newWarehouse(code)), ...facts });
    if (known === undefined || !equals(WarehouseSchema, known, wanted)) await putWarehouse(run, wanted);
  }
}

/**
 * Imports one batch: items whose name or product is new, then what was counted.
 * @param number counts the batches of the file from 1
 * @returns whether the batch had been imported before
 */
export async function importBatch(run: ImportRun, rows: readonly StockRow[], number: number): Promise<boolean> {
  await putItems(run, rows);
  const request = {
    requestId: `${run.name}-count-${number}`,
    reason: REASON,
    counts: rows.map(({ sku, warehouse, onHand, unavailable, committed }) => ({
      sku,
      warehouse,
      onHand,
      ...(unavailable === undefined ? {} : { unavailable }),
      ...(committed === undefined ? {} : { committed }),
    })),
  };
  return await count(run, request, new Set(rows.map((row) => row.warehouse)).size);
}

/** Counts, and makes a warehouse known that only its code is known of. @param tries unknown warehouses at most */
async function count(
  run: ImportRun,
  request: MessageInitShape<typeof CountStockRequestSchema>,
  tries: number,
): Promise<boolean> {
  for (let left = tries; ; left -= 1) {
    try {
      return (await run.session.stock.countStock(request)).replayed;
    } catch (error) {
      const unknown = left > 0 && error instanceof ConnectError ? unknownWarehouse(error) : undefined;
      if (unknown === undefined) throw error;
      await putWarehouse(run, newWarehouse(unknown));
    }
  }
}

function unknownWarehouse(error: ConnectError): string | undefined {
  const refusal = toRefusal(error, '');
  return refusal.reason === 'UNKNOWN_WAREHOUSE' ? refusal.metadata.warehouse : undefined;
}

function newWarehouse(code: string): Warehouse {
  return create(WarehouseSchema, { code, name: code, enabled: true });
}

async function putWarehouse(run: ImportRun, warehouse: Warehouse): Promise<void> {
  const requestId = `${run.name}-warehouse-${hashOf(toBinary(WarehouseSchema, warehouse))}`;
  await run.session.stock.putWarehouses({ requestId, warehouses: [warehouse] });
}

/** Puts the items that are new or told otherwise. What the file does not speak of stays as it is. */
async function putItems(run: ImportRun, rows: readonly StockRow[]): Promise<void> {
  const skus = [...new Set(rows.map((row) => row.sku))];
  const known = new Map<string, Item>();
  for await (const entries of stockPages(run.session, skus, [])) {
    for (const { item } of entries) if (item !== undefined) known.set(item.sku, item);
  }
  const items = new Map<string, Item>();
  for (const { sku, itemFacts } of rows) {
    const before = items.get(sku) ?? known.get(sku);
    const wanted = create(ItemSchema, { ...(before ?? { sku, name: sku }), ...itemFacts });
    if (before === undefined || !equals(ItemSchema, before, wanted)) items.set(sku, wanted);
  }
  if (items.size === 0) return;
  const request = create(PutItemsRequestSchema, { items: [...items.values()] });
  const requestId = `${run.name}-items-${hashOf(toBinary(PutItemsRequestSchema, request))}`;
  await run.session.stock.putItems({ ...request, requestId });
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, HASH_LETTERS);
}
