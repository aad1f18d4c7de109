import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availabilityMessage } from '../../adapters/nats/pool-messages.ts';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import { createGrpcStreams, type OpenStream, type StreamClient } from './stream-client.ts';
import type { WireAnswer, WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { explainReservation, reserve, swap, transfer } = ReservationService.method;
const { getAvailability, streamAvailability } = AvailabilityService.method;
const { getRules, putRules } = RuleService.method;

let service: WireService;
let grpc: WireClient;
let connect: WireClient;
let streams: StreamClient;

beforeAll(async () => {
  service = await startWireService();
  grpc = createGrpcClient(service.grpcPort);
  connect = createConnectClient(service.httpPort, '1.1');
  streams = createGrpcStreams(service.grpcPort);
  await stockUp(grpc, ['A', 'B', 'C'], 10);
});

afterAll(async () => {
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  expect(service.bugs).toEqual([]);
  grpc.close();
  connect.close();
  streams.close();
  await service.stop();
});

async function put(rules: JsonObject): Promise<WireAnswer> {
  const { json } = await grpc.call(getRules, {});
  const { etag } = json.rules as JsonObject;
  return await grpc.call(putRules, {
    requestId: randomUUID(),
    rules: { etag: etag as string, reason: 'a test', splitAllowed: true, ...rules },
  });
}

const ask = (client: WireClient, sku: string, quantity: number, channel = 'web') =>
  client.call(reserve, {
    requestId: randomUUID(),
    exchangeId: randomUUID(),
    channel,
    lines: [{ sku, quantity }],
  });

async function poolsOf(client: WireClient, request: JsonObject): Promise<JsonObject[]> {
  return (await client.call(getAvailability, request)).json.availability as JsonObject[];
}

async function updates(stream: OpenStream, count: number): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  while (found.length < count) {
    const read = await stream.next();
    if ('end' in read) throw new Error(`the stream ended: ${JSON.stringify(read.end)}`);
    if ('update' in read.message) found.push(read.message.update as JsonObject);
  }
  return found;
}

/** What NATS would carry as the last value of each pool. */
async function published(sku: string): Promise<unknown[]> {
  const context = { wmsOf: () => '', epoch: 1n, traceparent: '', refill: '' };
  const views = await service.engine.stock.read([sku], []);
  return views.map(
    (view) => JSON.parse(Buffer.from(availabilityMessage(view, context).payload).toString()).availability,
  );
}

test('R16: what rules say of a pool is the same over RPC, stream and NATS, under a version of its own', async () => {
  const stream = streams.open(streamAvailability, { skus: ['A'] });
  const before = await updates(stream, 2);
  const rules = {
    lowThreshold: 8,
    safetyStocks: [{ sku: 'A', units: 1, percent: 25 }],
    exchangePools: [{ sku: 'A', minimum: 9 }],
  };
  expect(await put(rules)).toMatchObject({ code: 'OK', json: { rules } });
  const told = await poolsOf(connect, { skus: ['A'] });
  const numbers = { onHand: 10, safetyStock: 3, available: 7, flag: 'AVAILABILITY_FLAG_LOW' };
  expect(told).toMatchObject([
    { ...numbers, warehouse: 'W1' },
    { ...numbers, warehouse: 'W2', saleAvailable: 5 },
  ]);
  // Zero is left out of JSON.
  expect(told[0]).not.toHaveProperty('saleAvailable');
  for (const [at, pool] of told.entries()) expect(pool.version).toBe(String(Number(before[at]?.version) + 1));
  expect(byWarehouse(await updates(stream, 2))).toEqual(told);
  expect(await published('A')).toMatchObject(told);
  expect(await poolsOf(grpc, { skus: ['A'] })).toEqual(told);
  const { entries } = (await grpc.call(StockService.method.listStock, { skus: ['A'] })).json;
  expect((entries as JsonObject[]).map((entry) => entry.availability)).toEqual(told);
  stream.cancel();
});

test('a pool of an item is up to date also where only one of its warehouses is asked for', async () => {
  await put({ exchangePools: [{ sku: '', minimum: 12 }] });
  expect(await poolsOf(grpc, { skus: ['B'], warehouses: ['W2'] })).toMatchObject([{ saleAvailable: 8, available: 10 }]);
  await put({});
  expect(await poolsOf(grpc, { skus: ['B'], warehouses: ['W2'] })).toMatchObject([{ saleAvailable: 10 }]);
});

test('P21: a refusal names who keeps what is missing, to a sale and to an exchange', async () => {
  await put({ safetyStocks: [{ sku: 'C', units: 2 }], exchangePools: [{ minimum: 12, maximum: 13 }] });
  for (const client of [grpc, connect]) {
    expect(await ask(client, 'C', 5, 'SALE')).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'NO_STOCK',
      metadata: { requested: '5', available: '4', held_by: 'exchange' },
    });
    expect(await ask(client, 'C', 14)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'RULE_LIMIT',
      metadata: { limit: 'exchange_pools.maximum', allowed: '13', asked: '14', sku: 'C' },
    });
  }
  expect(await ask(grpc, 'C', 4, 'SALE')).toMatchObject({ code: 'OK' });
  expect(await ask(grpc, 'C', 12)).toMatchObject({ code: 'OK' });
  expect(await ask(grpc, 'C', 1)).toMatchObject({ reason: 'NO_STOCK', metadata: { held_by: 'exchange' } });
  const pools = await poolsOf(grpc, { skus: ['C'] });
  expect(pools).toMatchObject([8, 8].map((reserved) => ({ reserved, safetyStock: 2, flag: 'AVAILABILITY_FLAG_OUT' })));
  expect(pools.some((pool) => 'available' in pool || 'saleAvailable' in pool)).toBe(false);
});

test('rules that contradict themselves or name no warehouse are refused, and change nothing', async () => {
  const twice = { sku: 'A', warehouse: 'W1', units: 1 };
  const { json } = await grpc.call(getRules, {});
  const contradicting: [JsonObject, string, string][] = [
    [{ safetyStocks: [twice, twice] }, 'INVALID_FIELD', 'rules.safety_stocks[1]'],
    [{ exchangePools: [{ minimum: 2, maximum: 1 }] }, 'INVALID_FIELD', 'rules.exchange_pools[0].maximum'],
    [{ safetyStocks: [{ warehouse: 'NOWHERE' }] }, 'UNKNOWN_WAREHOUSE', 'rules.safety_stocks[0].warehouse'],
  ];
  for (const [rules, reason, field] of contradicting) {
    const answer = await put(rules);
    expect({ reason: answer.reason, field: answer.metadata.field }).toEqual({ reason, field });
  }
  expect((await grpc.call(getRules, {})).json).toEqual(json);
});

describe('the strategy of the rules chooses the warehouse, and is told', () => {
  const warehouses = [
    { code: 'W1', name: 'One', priority: 1, enabled: true, countryCode: 'DE', postalCode: '80331' },
    { code: 'W2', name: 'Two', priority: 2, enabled: true, countryCode: 'DE', postalCode: '10115' },
    { code: 'W3', name: 'Three', priority: 3, enabled: true, countryCode: 'NL', postalCode: '2311' },
    { code: 'CLOSED', name: 'Closed', priority: 0, enabled: false, countryCode: 'DE', postalCode: '10119' },
  ];
  const receipts = [
    { sku: 'S', warehouse: 'W1', quantity: 10 },
    { sku: 'S', warehouse: 'W2', quantity: 20 },
    { sku: 'S', warehouse: 'W3', quantity: 90 },
    { sku: 'S', warehouse: 'CLOSED', quantity: 99 },
    { sku: 'T', warehouse: 'W3', quantity: 90 },
  ];

  beforeAll(async () => {
    const items = ['S', 'T'].map((sku) => ({ sku, name: sku }));
    for (const [method, request] of [
      [StockService.method.putWarehouses, { warehouses }],
      [StockService.method.putItems, { items }],
      [StockService.method.receiveStock, { reason: 'delivery', receipts }],
    ] as const) {
      expect(await grpc.call(method, { requestId: randomUUID(), ...request })).toMatchObject({ code: 'OK' });
    }
  });

  const destination = { countryCode: 'DE', postalCode: '10117' };
  const LINES = [{ sku: 'S', quantity: 3 }];
  test.each<[string, string, JsonObject, string[]]>([
    ['the first in priority', 'PRIORITY', { lines: LINES, destination }, ['W1 3']],
    ['the nearest', 'NEAREST', { lines: LINES, destination }, ['W2 3']],
    ['the nearest where nobody knows where to', 'NEAREST', { lines: LINES }, ['W1 3']],
    ['where most is available', 'MOST_AVAILABLE', { lines: LINES, destination }, ['W3 3']],
    ['the one that has all lines', 'FEWEST_SPLITS', { lines: [...LINES, { sku: 'T', quantity: 1 }] }, ['W3 3', 'W3 1']],
    ['what a line names', 'NEAREST', { lines: [{ sku: 'S', quantity: 1, warehouse: 'W1' }], destination }, ['W1 1']],
  ])('%s', async (_, strategy, asked, expected) => {
    await put({ sourcing: `SOURCING_STRATEGY_${strategy}` });
    const exchangeId = randomUUID();
    const made = await connect.call(reserve, { requestId: randomUUID(), exchangeId, ...asked });
    const { lines } = made.json.reservation as JsonObject;
    const allocations = (lines as JsonObject[]).flatMap((line) => line.allocations as JsonObject[]);
    const placed = allocations.map((one) => `${one.warehouse} ${one.quantity}`);
    expect(placed).toEqual(expected);
    const { steps } = (await grpc.call(explainReservation, { exchangeId })).json;
    const told = (steps as JsonObject[]).find((step) => step.step === 'strategy');
    expect(told?.outcome).toContain(`chosen by ${strategy}:`);
  });

  test('a replacement by Reserve follows the destination too', async () => {
    await put({ sourcing: 'SOURCING_STRATEGY_NEAREST' });
    const exchangeId = randomUUID();
    const asking = (more: JsonObject) =>
      grpc.call(reserve, { requestId: randomUUID(), exchangeId, destination, lines: LINES, ...more });
    expect(await asking({ destination: { countryCode: 'NL' } })).toMatchObject({ code: 'OK' });
    const replaced = await asking({ replaceExisting: true });
    expect(replaced.json.reservation).toMatchObject({ lines: [{ quantity: 3, allocations: [{ warehouse: 'W2' }] }] });
  });
});

test('R16: every surface knows the same warehouses of a channel, and the same numbers as for all', async () => {
  await put({ channelWarehouses: [{ channel: 'shop', warehouses: ['W2'] }, { channel: 'closed' }] });
  const all = await poolsOf(grpc, { skus: ['A'] });
  const selling = all.filter((pool) => pool.warehouse === 'W2');
  expect(await poolsOf(connect, { skus: ['A'], channel: 'shop' })).toEqual(selling);
  expect(await poolsOf(connect, { skus: ['A'], channel: 'other' })).toEqual(all);
  expect(await poolsOf(connect, { skus: ['A'], channel: 'closed' })).toBeUndefined();
  const stream = streams.open(streamAvailability, { skus: ['A'], channel: 'shop' });
  expect(await updates(stream, 1)).toEqual(selling);
  expect(await stream.next()).toMatchObject({ message: { snapshotComplete: {} } });
  stream.cancel();

  const exchangeId = randomUUID();
  const line = { sku: 'A', quantity: 2 };
  const asking = (more: JsonObject) =>
    grpc.call(reserve, { requestId: randomUUID(), exchangeId, channel: 'shop', lines: [line], ...more });
  expect(await asking({ lines: [{ ...line, warehouse: 'W1' }] })).toMatchObject({ reason: 'NO_STOCK' });
  expect(await asking({ channel: 'closed' })).toMatchObject({ reason: 'NO_STOCK' });
  const held = { lines: [{ allocations: [{ warehouse: 'W2', quantity: 2 }] }] };
  expect((await asking({})).json.reservation).toMatchObject(held);
  const target = { requestId: randomUUID(), exchangeId };
  expect(await grpc.call(transfer, { ...target, toWarehouse: 'W1' })).toMatchObject({ reason: 'NO_STOCK' });
  const swapped = await grpc.call(swap, { ...target, lines: [line] });
  expect(swapped.json.reservation).toMatchObject(held);
});

function byWarehouse(pools: readonly JsonObject[]): JsonObject[] {
  return pools.toSorted((a, b) => (String(a.warehouse) < String(b.warehouse) ? -1 : 1));
}
