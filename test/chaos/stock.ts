import { Tracking } from '../../src/gen/earmark/v1/stock_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import type { RpcClient } from './rpc-client.ts';

export const WMS = 'sim';
const SETUP_DEADLINE_MS = 10_000;

interface PlannedStock {
  readonly sku: string;
  /** On hand by warehouse. */
  readonly onHand: Readonly<Record<string, number>>;
}

/** Two warehouses of the simulated system, and one that nobody but the callers ships from. */
const WAREHOUSES = [
  { code: 'BER', wms: WMS, priority: 1 },
  { code: 'HAM', wms: WMS, priority: 2 },
  { code: 'SHOP', wms: '', priority: 3 },
] as const;

/** Items a warehouse ships by itself; the first two are soon sold out. */
export const SHIPPED_STOCK: readonly PlannedStock[] = [
  { sku: 'HOT.1', onHand: { BER: 40 } },
  { sku: 'HOT 2', onHand: { BER: 15, HAM: 15 } },
  ...[1, 2, 3, 4, 5, 6].map((at) => ({ sku: `SHOE-${at}`, onHand: { BER: 300, HAM: 300 } })),
];

/** Items that leave only by Fulfil, so that the effects of Fulfil can be counted. */
export const COUNTER_STOCK: readonly PlannedStock[] = [
  { sku: 'DESK-HOT', onHand: { SHOP: 30 } },
  ...[1, 2, 3].map((at) => ({ sku: `DESK-${at}`, onHand: { SHOP: 400 } })),
];

const ALL_STOCK = [...SHIPPED_STOCK, ...COUNTER_STOCK];

/** Units of each SKU over all warehouses; nothing is received later. */
export const UNITS_OF: ReadonlyMap<string, number> = new Map(
  ALL_STOCK.map(({ sku, onHand }) => [sku, Object.values(onHand).reduce((sum, units) => sum + units, 0)]),
);

export function isCounterSku(sku: string): boolean {
  return COUNTER_STOCK.some((stock) => stock.sku === sku);
}

/** Puts warehouses, items and stock into an empty database. */
export async function stockUp(client: RpcClient): Promise<void> {
  await client.call(
    StockService.method.putWarehouses,
    {
      requestId: 'warehouses',
      warehouses: WAREHOUSES.map((one) => ({
        ...one,
        name: one.code,
        timeZone: 'Europe/Berlin',
        countryCode: 'DE',
        enabled: true,
      })),
    },
    SETUP_DEADLINE_MS,
  );
  const items = ALL_STOCK.map(({ sku }) => ({ sku, name: sku, tracking: Tracking.QUANTITY }));
  await client.call(StockService.method.putItems, { requestId: 'items', items }, SETUP_DEADLINE_MS);
  const receipts = ALL_STOCK.flatMap(({ sku, onHand }) =>
    Object.entries(onHand).map(([warehouse, quantity]) => ({ sku, warehouse, quantity })),
  );
  await client.call(
    StockService.method.receiveStock,
    { requestId: 'receipts', reason: 'delivery', receipts },
    SETUP_DEADLINE_MS,
  );
}
