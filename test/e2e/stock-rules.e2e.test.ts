import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { connectNats, type NatsLink } from '../../adapters/nats/connection.ts';
import { availabilitySubject } from '../../adapters/nats/subjects.ts';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { httpCall, until } from '../support/http-call.ts';
import { startTestNats } from '../support/nats.ts';
import { startTestService, type TestService } from '../support/service.ts';

const SKU = 'UNTOUCHED-1';
const LATER_MS = 3_000;
const CONNECT_MS = 10_000;

let nats: EmbeddedServer;
let service: TestService;
let link: NatsLink;
const watching = new AbortController();
/** Why the stream ended before it was to. */
const lost: unknown[] = [];
const streamed: { safetyStock: number; version: bigint }[] = [];

beforeAll(async () => {
  nats = await startTestNats();
  service = await startTestService({ natsUrl: nats.url });
  link = connectNats({ url: nats.url, name: 'test', random: () => 0.5 });
  const warehouses = [{ code: 'W1', name: 'One', enabled: true }];
  const receipts = [{ sku: SKU, warehouse: 'W1', quantity: 10 }];
  await call('StockService/PutWarehouses', { requestId: 'w', warehouses });
  await call('StockService/PutItems', { requestId: 'i', items: [{ sku: SKU, name: SKU }] });
  await call('StockService/ReceiveStock', { requestId: 'r', reason: 'delivery', receipts });
  watch();
});

afterAll(async () => {
  watching.abort();
  await link?.close();
  await service?.stop();
  await nats?.stop();
});

async function call(method: string, body: object) {
  const answer = await httpCall(service.httpPort, method, body);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

function watch(): void {
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${service.httpPort}`, httpVersion: '2' });
  const client = createClient(AvailabilityService, transport);
  void (async () => {
    for await (const { event } of client.streamAvailability({ skus: [SKU] }, { signal: watching.signal })) {
      if (event.case === 'update') streamed.push(event.value);
    }
  })().catch((error: unknown) => {
    if (!watching.signal.aborted) lost.push(error);
  });
}

/** The safety stock that channels hear of over JetStream. */
async function published(): Promise<number> {
  const manager = await jetstreamManager(await link.connected(AbortSignal.timeout(CONNECT_MS)));
  const stored = await manager.streams.getMessage('EARMARK_AVAILABILITY', {
    last_by_subj: availabilitySubject('W1', SKU),
  });
  return stored?.json<{ availability: { safetyStock: number } }>().availability.safetyStock ?? -1;
}

async function everyoneHears(safetyStock: number): Promise<void> {
  expect(lost).toEqual([]);
  await until(`${safetyStock} in the stream`, async () => streamed.at(-1)?.safetyStock === safetyStock);
  await vi.waitFor(async () => expect(await published()).toBe(safetyStock), CONNECT_MS);
}

test('R16: whoever follows a pool that nobody touches hears what rules change of it, now and from a later instant', async () => {
  await everyoneHears(0);
  const rules = { splitAllowed: true, reason: 'peak', safetyStocks: [{ sku: SKU, percent: 25 }] };
  await call('RuleService/PutRules', { requestId: 'p-1', rules: { ...rules, etag: 'v1' } });
  await everyoneHears(3);
  const effectiveTime = new Date(Date.now() + LATER_MS).toISOString();
  await call('RuleService/PutRules', {
    requestId: 'p-2',
    rules: { splitAllowed: true, reason: 'over', etag: 'v2', effectiveTime },
  });
  expect(streamed.at(-1)).toMatchObject({ safetyStock: 3 });
  await everyoneHears(0);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(effectiveTime));
  const { availability } = await call('AvailabilityService/GetAvailability', { skus: [SKU] });
  expect(availability[0].version).toBe(String(streamed.at(-1)?.version));
});
