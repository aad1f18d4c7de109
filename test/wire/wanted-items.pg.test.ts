import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { reserve, batchReserve, swap } = ReservationService.method;

const SHOES = [
  ['RED-42', 'red', '42'],
  ['RED-43', 'red', '43'],
  ['BLUE-42', 'blue', '42'],
  ['BLUE-44', 'blue', '44'],
].map(([sku = '', colour = '', size = '']) => ({ sku, product: 'shoe', attributes: { colour, size } }));

let service: WireService;
let client: WireClient;
let http: WireClient;

beforeAll(async () => {
  service = await startWireService();
  client = createGrpcClient(service.grpcPort);
  http = createConnectClient(service.httpPort, '1.1');
  const alone = ['LONELY', 'LIKE-IT', 'GONE'];
  await stockUp(client, [...SHOES.map(({ sku }) => sku), ...alone], 20);
  await put([
    ...SHOES,
    { sku: 'LIKE-IT', attributes: { colour: 'red', size: '43' } },
    { sku: 'GONE', product: 'shoe', attributes: { colour: 'green', size: '42' }, retired: true },
    { sku: 'OTHER', product: 'sock', attributes: { colour: 'red', size: '44' } },
  ]);
});

afterAll(async () => {
  client.close();
  http.close();
  await service.stop();
});

async function put(items: readonly JsonObject[]) {
  const answer = await client.call(StockService.method.putItems, { requestId: randomUUID(), items: [...items] });
  expect(answer).toMatchObject({ code: 'OK' });
}

const asked = (returnedSku: string, wantedAttributes: JsonObject, more: JsonObject = {}) => ({
  requestId: randomUUID(),
  exchangeId: randomUUID(),
  lines: [{ returnedSku, wantedAttributes, quantity: 1, ...more }],
});

const skusOf = (json: JsonObject) =>
  ((json.reservation as JsonObject).lines as JsonObject[]).map(({ sku, returnedSku }) => [sku, returnedSku]);

describe('R17: a replacement that is told by what it is like', () => {
  test.each<[string, string, JsonObject]>([
    ['RED-43', 'RED-42', { size: '43' }],
    ['BLUE-42', 'RED-42', { size: '42', colour: 'blue' }],
    ['RED-42', 'RED-42', { size: '42', colour: 'red' }],
    ['RED-42', 'GONE', { size: '42', colour: 'red' }],
    ['RED-42', 'RED-42', {}],
  ])('is %s for what comes back as %s and is wanted as %j', async (sku, returned, wanted) => {
    for (const door of [client, http]) {
      const { code, json } = await door.call(reserve, asked(returned, wanted));
      expect({ code, lines: skusOf(json) }).toEqual({ code: 'OK', lines: [[sku, returned]] });
    }
  });

  test.each<[string, string, JsonObject, JsonObject]>([
    ['several fit', 'RED-42', { size: '42' }, { fitting_items: 'several' }],
    ['none fits', 'RED-42', { size: '99' }, { fitting_items: '0' }],
    ['only another product has it', 'RED-42', { size: '44', colour: 'red' }, { fitting_items: '0' }],
    ['only a retired one fits', 'RED-42', { colour: 'green' }, { fitting_items: '0' }],
    ['what comes back is of no product', 'LONELY', { size: '43' }, { fitting_items: '0' }],
    ['nobody knows what comes back', 'NEVER', { size: '43' }, { returned_sku: 'NEVER' }],
  ])('is refused where %s', async (_, returned, wanted, metadata) => {
    const answer = await client.call(reserve, asked(returned, wanted));
    expect(answer).toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_SKU', metadata });
  });

  test('is held against the attributes where it is named as well', async () => {
    expect(await client.call(reserve, asked('', { size: '43' }, { sku: 'RED-43' }))).toMatchObject({ code: 'OK' });
    const answer = await client.call(reserve, asked('RED-42', { size: '42' }, { sku: 'RED-43' }));
    expect(answer).toMatchObject({ reason: 'UNKNOWN_SKU', metadata: { sku: 'RED-43', wanted_attributes: 'size' } });
  });

  test('is what was first given when the request comes again, though other items fit by now', async () => {
    const request = asked('RED-42', { colour: 'blue', size: '44' });
    const first = await client.call(reserve, request);
    expect(skusOf(first.json)).toEqual([['BLUE-44', 'RED-42']]);
    await put([{ sku: 'BLUE-44-WIDE', product: 'shoe', attributes: { colour: 'blue', size: '44' } }]);
    const again = await http.call(reserve, request);
    expect(again.json).toEqual({ ...first.json, replayed: true });
    expect(await client.call(reserve, asked('RED-42', { colour: 'blue', size: '44' }))).toMatchObject({
      reason: 'UNKNOWN_SKU',
    });
  });

  test('is chosen for each request of a batch, for validation alone, and in a swap', async () => {
    const requests = [asked('RED-42', { size: '43' }), asked('RED-42', { size: '99' }), asked('RED-43', {})];
    const { json } = await client.call(batchReserve, { requests });
    expect(json.outcomes).toMatchObject([
      { reserved: { reservation: { lines: [{ sku: 'RED-43' }] } } },
      { refusal: { reason: 'UNKNOWN_SKU' } },
      { reserved: { reservation: { lines: [{ sku: 'RED-43' }] } } },
    ]);
    const tried = await client.call(reserve, { ...asked('RED-42', { size: '43' }), requestId: '', validateOnly: true });
    expect(skusOf(tried.json)).toEqual([['RED-43', 'RED-42']]);
    const { exchangeId = '' } = requests[0] ?? {};
    const { lines } = asked('RED-42', { colour: 'blue', size: '42' });
    const swapped = await client.call(swap, { requestId: randomUUID(), exchangeId, lines });
    expect(skusOf(swapped.json)).toEqual([['BLUE-42', 'RED-42']]);
    const refused = await client.call(swap, {
      requestId: randomUUID(),
      exchangeId,
      lines: asked('RED-42', { a: 'b' }).lines,
    });
    expect(refused).toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_SKU' });
  });
});
