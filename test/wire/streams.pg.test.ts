import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import {
  createConnectStreams,
  createGrpcStreams,
  exchangeAll,
  type OpenStream,
  type StreamClient,
} from './stream-client.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const NAMES = ['grpc-js', 'Connect over HTTP/2', 'Connect over HTTP/1.1'] as const;
const STREAMS_MAX = 3;
const { reserve, release, watchReservation, reserveStream } = ReservationService.method;
const { streamAvailability } = AvailabilityService.method;
const { putItems } = StockService.method;

let service: WireService;
let caller: WireClient;
let clients: Map<string, StreamClient>;

beforeAll(async () => {
  service = await startWireService(STREAMS_MAX);
  caller = createGrpcClient(service.grpcPort);
  const all = [
    createGrpcStreams(service.grpcPort),
    createConnectStreams(service.httpPort, '2'),
    createConnectStreams(service.httpPort, '1.1'),
  ];
  clients = new Map(all.map((client) => [client.name, client]));
  await stockUp(caller, [...NAMES.map((name) => `SKU ${name}`), 'other'], 1_000);
});

afterAll(async () => {
  for (const client of clients.values()) client.close();
  caller.close();
  await service.stop();
});

describe.each(NAMES)('%s', (name) => {
  const sku = `SKU ${name}`;
  const open = (request: JsonObject = {}) =>
    (clients.get(name) as StreamClient).open(streamAvailability, { skus: [sku], ...request });

  test('sends what is, then what changes, and resumes where it was left', async () => {
    const first = open();
    const snapshot = [await update(first), await update(first)];
    expect(snapshot.map((pool) => pool.warehouse)).toEqual(['W1', 'W2']);
    const { snapshotComplete, resumeToken } = await message(first);
    expect(snapshotComplete).toHaveProperty('asOfTime');
    await reserveOne(sku, 'W2');
    const changed = await update(first);
    expect(changed).toMatchObject({ warehouse: 'W2', reserved: 1, version: next(snapshot[1]) });
    first.cancel();
    await closed();

    const resumed = open({ resumeToken: resumeToken as string });
    expect(await update(resumed)).toEqual(changed);
    expect(await message(resumed)).toHaveProperty('snapshotComplete');
    resumed.cancel();
    await closed();
  });

  test('refuses a resume token it did not make', async () => {
    const { end } = (await open({ resumeToken: 'nonsense' }).next()) as { end: unknown };
    expect(end).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: ['resume_token'] });
  });

  test('refuses a stream that is malformed', async () => {
    const { end } = (await open({ skus: [''] }).next()) as { end: unknown };
    expect(end).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: ['skus[0]'] });
  });

  test.each([
    [{ skus: ['nothing', sku] }, 'UNKNOWN_SKU', { sku: 'nothing' }],
    [{ warehouses: ['W1', 'NOWHERE'] }, 'UNKNOWN_WAREHOUSE', { warehouse: 'NOWHERE' }],
    [{ skus: [], warehouses: ['NOWHERE'] }, 'UNKNOWN_WAREHOUSE', { warehouse: 'NOWHERE' }],
  ])('refuses to follow %j before the first message', async (request, reason, metadata) => {
    const { end } = (await open(request).next()) as { end: unknown };
    expect(end).toMatchObject({ code: 'NOT_FOUND', reason, metadata });
    await closed();
  });

  test('follows what is known and has no pool yet', async () => {
    const idle = `idle ${name}`;
    await caller.call(putItems, { requestId: randomUUID(), items: [{ sku: idle, name: idle }] });
    const stream = open({ skus: [idle], warehouses: ['W1'] });
    expect(await message(stream)).toHaveProperty('snapshotComplete');
    stream.cancel();
    await closed();
  });

  test('follows one reservation to its end', async () => {
    const exchangeId = await reserveOne(sku, 'W1');
    const watched = (clients.get(name) as StreamClient).open(watchReservation, { exchangeId });
    expect(await message(watched)).toMatchObject({ update: { state: 'RESERVATION_STATE_RESERVED' } });
    await caller.call(release, { requestId: randomUUID(), exchangeId, reason: 'RELEASE_REASON_CANCELLED' });
    const last = await message(watched);
    expect(last).toMatchObject({ update: { state: 'RESERVATION_STATE_RELEASED' } });
    expect(await watched.next()).toMatchObject({ end: { code: 'OK' } });
    await closed();

    const resumeToken = last.resumeToken as string;
    const resumed = (clients.get(name) as StreamClient).open(watchReservation, { exchangeId, resumeToken });
    expect(await resumed.next()).toMatchObject({ end: { code: 'OK' } });
    await closed();
  });

  test('does not follow what does not exist', async () => {
    const watched = (clients.get(name) as StreamClient).open(watchReservation, { exchangeId: randomUUID() });
    const { end } = (await watched.next()) as { end: unknown };
    expect(end).toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_RESERVATION' });
  });

  test('opens no more streams than there are places, and gives each place back', async () => {
    const taken = Array.from({ length: STREAMS_MAX }, () => open());
    for (const stream of taken) await update(stream);
    const { end } = (await open().next()) as { end: unknown };
    expect(end).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_STREAMS', retryDelayMs: 1_000 });
    for (const stream of taken) stream.cancel();
    await closed();
    const again = open();
    await update(again);
    again.cancel();
    await closed();
  });
});

test('a stream of requests is answered one by one, the malformed one too', async () => {
  const requests = Array.from({ length: 300 }, (_, at) => ({
    reserve: {
      requestId: `s-${at}`,
      exchangeId: `stream-${at}`,
      lines: [{ sku: 'other', quantity: at === 7 ? 0 : 1 }],
    },
  }));
  const answers = await exchangeAll(service.grpcPort, reserveStream, requests);
  expect(new Set(answers.map((answer) => answer.requestId)).size).toBe(300);
  expect(answers.filter((answer) => 'reserved' in answer)).toHaveLength(299);
  expect(answers.find((answer) => answer.requestId === 's-7')).toMatchObject({
    refusal: { code: 3, reason: 'INVALID_FIELD', metadata: { field: 'reserve.lines[0].quantity' } },
  });
  expect(service.bugs).toEqual([]);
});

async function message(stream: OpenStream): Promise<JsonObject> {
  for (;;) {
    const read = await stream.next();
    if ('end' in read) throw new Error(`the stream ended: ${JSON.stringify(read.end)}`);
    if (!('heartbeat' in read.message)) return read.message;
  }
}

async function update(stream: OpenStream): Promise<JsonObject> {
  return (await message(stream)).update as JsonObject;
}

function next(pool: JsonObject | undefined): string {
  return String(BigInt(pool?.version as string) + 1n);
}

async function reserveOne(sku: string, warehouse: string): Promise<string> {
  const exchangeId = randomUUID();
  const request = { requestId: randomUUID(), exchangeId, lines: [{ sku, warehouse, quantity: 1 }] };
  expect(await caller.call(reserve, request)).toMatchObject({ code: 'OK' });
  return exchangeId;
}

/** Until every stream that was opened has ended inside the service too. */
async function closed(): Promise<void> {
  await expect.poll(() => service.openStreams()).toBe(0);
}
