import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { httpCall } from '../support/http-call.ts';
import { startTestNats } from '../support/nats.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { createGrpcClient } from '../wire/grpc-client.ts';
import type { WireAnswer, WireClient } from '../wire/wire-client.ts';

const SITE = 'WEST-1';
const UNITS = 40;
const CALLS = 200;
const CONNECTIONS = 60;
const SAMPLE_EVERY_MS = 5;

/** What a busy machine may answer, and what says nothing of the request. */
const UNCERTAIN = new Set(['DEADLINE_EXCEEDED', 'UNAVAILABLE']);
const ANSWERED_WITHIN_MS = 40_000;

let database: TestDatabase;
let nats: EmbeddedServer;
let processes: TestService[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([createTestDatabase('last'), startTestNats()]);
  processes = await Promise.all([start(), start()]);
});

afterAll(async () => {
  await Promise.all(processes.map((one) => one.stop()));
  await nats?.stop();
  await database?.drop();
});

const start = () => startTestService({ databaseUrl: database.url, natsUrl: nats.url });

const port = (at: number) => processes[at % processes.length]?.httpPort ?? 0;

async function stockUp(sku: string, quantity: number): Promise<void> {
  const calls: [string, object][] = [
    ['PutWarehouses', { warehouses: [{ code: SITE, name: 'West', timeZone: 'UTC', enabled: true }] }],
    ['PutItems', { items: [{ sku, name: sku, tracking: 'TRACKING_QUANTITY' }] }],
    ['ReceiveStock', { reason: 'first', receipts: [{ sku, warehouse: SITE, quantity }] }],
  ];
  for (const [method, request] of calls) {
    const { status } = await httpCall(port(0), `StockService/${method}`, { requestId: `${method} ${sku}`, ...request });
    expect(status).toBe(200);
  }
}

/** Looks at a pool through both processes again and again until it is told to stop; answers every number it saw. */
function sample(sku: string): { stop(): Promise<{ reserved: number; available: number }[]> } {
  const seen: { reserved: number; available: number }[] = [];
  let goesOn = true;
  const watching = (async () => {
    for (let at = 0; goesOn; at += 1) {
      const { body } = await httpCall(port(at), 'AvailabilityService/GetAvailability', { skus: [sku] });
      const { reserved = 0, available = 0 } = body.availability[0];
      seen.push({ reserved, available });
      await pause(SAMPLE_EVERY_MS);
    }
  })();
  return {
    async stop() {
      goesOn = false;
      await watching;
      return seen;
    },
  };
}

/** Asks again under the same request id, as a caller does, until it is told what became of the request. */
async function answerOf(client: WireClient, request: JsonObject): Promise<WireAnswer> {
  const end = performance.now() + ANSWERED_WITHIN_MS;
  for (;;) {
    const answer = await client.call(ReservationService.method.reserve, request);
    if (!UNCERTAIN.has(answer.code) || performance.now() > end) return answer;
  }
}

test('R1: 200 callers on 60 connections to two processes for 40 units: 40 get one, 160 hear NO_STOCK, never too many', async () => {
  await stockUp('LAST', UNITS);
  const clients = Array.from({ length: CONNECTIONS }, (_, at) =>
    createGrpcClient(processes[at % processes.length]?.grpcPort ?? 0, { ownConnection: true }),
  );
  const watcher = sample('LAST');
  const answers = await Promise.all(
    Array.from({ length: CALLS }, (_, at) => {
      const request = { requestId: `last-${at}`, exchangeId: `LAST-${at}`, lines: [{ sku: 'LAST', quantity: 1 }] };
      return answerOf(clients[at % CONNECTIONS] as WireClient, request);
    }),
  );
  const seen = await watcher.stop();
  for (const client of clients) client.close();
  expect(answers.filter(({ code }) => code === 'OK')).toHaveLength(UNITS);
  const refused = answers.filter(({ code }) => code !== 'OK');
  expect(new Set(refused.map(({ code, reason }) => `${code} ${reason}`))).toEqual(
    new Set(['FAILED_PRECONDITION NO_STOCK']),
  );
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every(({ reserved, available }) => reserved + available === UNITS && available >= 0)).toBe(true);
  const { body } = await httpCall(port(1), 'AuditService/VerifyLedger', {});
  expect(body.drifts ?? []).toEqual([]);
});

test('R10: an answer is given again as it was first given, from another process and after all were killed', async () => {
  await stockUp('AGAIN', 5);
  const request = { requestId: 'again', exchangeId: 'AGAIN-1', lines: [{ sku: 'AGAIN', quantity: 2 }] };
  const reserve = (at: number, body: object = request) => httpCall(port(at), 'ReservationService/Reserve', body);
  const first = await reserve(0);
  expect(first).toMatchObject({ status: 200, body: { reservation: { state: 'RESERVATION_STATE_RESERVED' } } });
  const release = { requestId: 'given up', exchangeId: 'AGAIN-1', reason: 'RELEASE_REASON_CANCELLED' };
  expect((await httpCall(port(1), 'ReservationService/Release', release)).status).toBe(200);
  const replay = { status: 200, body: { ...first.body, replayed: true } };
  expect(await reserve(1)).toEqual(replay);
  await Promise.all(processes.map((one) => one.kill()));
  const killed = processes;
  processes = [await start()];
  await Promise.all(killed.map((one) => one.stop()));
  expect(await reserve(0)).toEqual(replay);
  const other = await reserve(0, { ...request, lines: [{ sku: 'AGAIN', quantity: 3 }] });
  expect([other.status, JSON.stringify(other.body).includes('REQUEST_ID_REUSED')]).toEqual([400, true]);
  const { body } = await httpCall(port(0), 'AvailabilityService/GetAvailability', { skus: ['AGAIN'] });
  expect(body.availability[0]).toMatchObject({ onHand: 5, available: 5 });
});
