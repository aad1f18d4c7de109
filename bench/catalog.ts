import type pg from 'pg';
import { Tracking } from '../src/gen/earmark/v1/stock_pb.ts';
import { StockService } from '../src/gen/earmark/v1/stock_service_pb.ts';
import { spreadSku } from './load/request-source.ts';
import { type BenchOptions, hotSkus } from './options.ts';
import { PEER_WAREHOUSE } from './peers/pg-transaction/reserve.ts';
import type { ServiceClient } from './service-client.ts';

/** Units of each SKU: more than any run can reserve, so that no call is refused. */
const UNITS_PER_SKU = 1_000_000;

/** Items and receipts in one call: the most the contract allows. */
const CHUNK_MAX = 500;
const CALL_MAX_MS = 30_000;

/** Every SKU of a run. */
export function allSkus(options: BenchOptions): string[] {
  const spread = Array.from({ length: options.skuCount }, (_none, index) => spreadSku(index));
  return [...spread, ...hotSkus(options)];
}

/** Cuts a list into parts that one call may carry. */
export function inChunks<T>(all: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < all.length; at += CHUNK_MAX) chunks.push(all.slice(at, at + CHUNK_MAX));
  return chunks;
}

/** Gives Earmark one warehouse with every SKU, by its own RPCs. */
export async function loadService(client: ServiceClient, options: BenchOptions): Promise<void> {
  const { putWarehouses, putItems, receiveStock } = StockService.method;
  const warehouse = { code: PEER_WAREHOUSE, name: 'Benchmark', timeZone: 'UTC', enabled: true, wms: 'bench' };
  await client.call(putWarehouses, { requestId: 'bench-warehouses', warehouses: [warehouse] }, CALL_MAX_MS);
  for (const [index, skus] of inChunks(allSkus(options)).entries()) {
    const items = skus.map((sku) => ({ sku, name: sku, tracking: Tracking.QUANTITY }));
    await client.call(putItems, { requestId: `bench-items-${index}`, items }, CALL_MAX_MS);
    const receipts = skus.map((sku) => ({ sku, warehouse: PEER_WAREHOUSE, quantity: UNITS_PER_SKU }));
    const receipt = { requestId: `bench-stock-${index}`, reason: 'benchmark', receipts };
    await client.call(receiveStock, receipt, CALL_MAX_MS);
  }
}

/** Gives the peer the same stock. */
export async function loadPeer(database: pg.Client, options: BenchOptions): Promise<void> {
  await database.query('insert into pool (sku, warehouse, on_hand) select sku, $2, $3 from unnest($1::text[]) as sku', [
    allSkus(options),
    PEER_WAREHOUSE,
    UNITS_PER_SKU,
  ]);
}
