import { randomUUID } from 'node:crypto';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import type { WireClient } from './wire-client.ts';

const { putItems, putWarehouses, receiveStock } = StockService.method;

/** Puts the warehouses W1 (asked first) and W2 and the SKUs, and receives `onHand` units of each SKU in each. */
export async function stockUp(client: WireClient, skus: readonly string[], onHand: number): Promise<void> {
  const warehouses = [
    { code: 'W1', name: 'One', priority: 1, enabled: true },
    { code: 'W2', name: 'Two', priority: 2, enabled: true },
  ];
  const receipts = skus.flatMap((sku) => warehouses.map(({ code }) => ({ sku, warehouse: code, quantity: onHand })));
  const answers = [
    await client.call(putWarehouses, { requestId: randomUUID(), warehouses }),
    await client.call(putItems, { requestId: randomUUID(), items: skus.map((sku) => ({ sku, name: sku })) }),
    await client.call(receiveStock, { requestId: randomUUID(), reason: 'delivery', receipts }),
  ];
  const refused = answers.find((answer) => answer.code !== 'OK');
  if (refused !== undefined) throw new Error(`stock was refused: ${JSON.stringify(refused)}`);
}
