import { randomUUID } from 'node:crypto';
import type { DescMethodUnary, JsonObject } from '@bufbuild/protobuf';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { checkCase } from './check-case.ts';
import { createConnectClient } from './connect-client.ts';
import { createCurlClient } from './curl-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { MILESTONE_CASES } from './milestone-cases.ts';
import { stockUp } from './stock-up.ts';
import { type CaseWorld, reserveStep, WIRE_CASES } from './wire-cases.ts';
import type { WireAnswer, WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const CLIENTS = ['grpc-js', 'Connect over HTTP/2', 'Connect over HTTP/1.1', 'curl'] as const;
const { reserve } = ReservationService.method;

let service: WireService;
let clients: Map<string, WireClient>;

beforeAll(async () => {
  service = await startWireService();
  const { grpcPort, httpPort } = service;
  const all = [
    createGrpcClient(grpcPort),
    createConnectClient(httpPort, '2'),
    createConnectClient(httpPort, '1.1'),
    createCurlClient(httpPort),
  ];
  clients = new Map(all.map((client) => [client.name, client]));
  await stockUp(all[0] as WireClient, CLIENTS.map(skuOf), 100);
});

afterAll(async () => {
  for (const client of clients.values()) client.close();
  await service.stop();
});

describe.each(CLIENTS)('%s', (name) => {
  const client = () => clients.get(name) as WireClient;

  test.each([...WIRE_CASES, ...MILESTONE_CASES])('$name', async (wireCase) => {
    await checkCase(client(), wireCase, worldOf(name));
  });

  test.each(['truncated', 'bad-utf8'] as const)('refuses %s bytes as the mistake of the caller', async (how) => {
    const answer = await client().callBroken(reserve, how);
    expect(answer).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' });
  });

  test('does not know other methods', async () => {
    const unknown = { ...reserve, name: 'Unknown', parent: reserve.parent } as DescMethodUnary;
    const answer = await client()
      .call(unknown, {})
      .catch((error: unknown) => error);
    // The HTTP door says 404, which is no answer of an RPC; clients of gRPC get the code for it.
    if (name === 'curl') expect(answer).toBeInstanceOf(SyntaxError);
    else expect(answer).toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  test('carries on the trace of its caller', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    const world = worldOf(name);
    const { request } = reserveStep(world);
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const answer = await client().call(reserve, request, { headers });
    expect(answer.json).toMatchObject({ reservation: { traceId } });
  });

  test('makes a trace id where the caller brings none', async () => {
    const answer = await client().call(reserve, reserveStep(worldOf(name)).request);
    const { traceId } = (answer.json as { reservation: { traceId: string } }).reservation;
    expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });

  test('gives up at the deadline, and the retry gets one reservation', async () => {
    const world = worldOf(name);
    const { request } = reserveStep(world);
    // The caller's own clock may cut the call just before the service's does: then it counts as gone.
    const given = () => countFinished('Reserve DEADLINE_EXCEEDED') + countFinished('Reserve CANCELLED');
    const before = given();
    await whilePoolIsLocked(world.sku, async () => {
      expect(await client().call(reserve, request, { timeoutMs: 300 })).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await expect.poll(given).toBe(before + 1);
    });
    expect(await retried(client(), request)).toMatchObject({ code: 'OK' });
  });

  test('hears that its caller went away', async () => {
    const world = worldOf(name);
    const gone = new AbortController();
    const before = countFinished('Reserve CANCELLED');
    await whilePoolIsLocked(world.sku, async () => {
      const pending = client().call(reserve, reserveStep(world).request, { signal: gone.signal, timeoutMs: 60_000 });
      await waitForLock();
      gone.abort();
      expect(await pending).toMatchObject({ code: 'CANCELLED' });
      await expect.poll(() => countFinished('Reserve CANCELLED')).toBe(before + 1);
    });
  });

  test('has a deadline even where its caller names one in ten years', async () => {
    const world = worldOf(name);
    const answer = await client().call(reserve, reserveStep(world).request, { timeoutMs: 1_900_000_000 });
    expect(answer).toMatchObject({ code: 'OK' });
  });
});

test('nothing was a bug of ours, and the ledger agrees with its evidence', async () => {
  expect(service.bugs).toEqual([]);
  expect(await service.engine.ledger.verify()).toMatchObject({ drifts: [] });
});

function skuOf(clientName: string): string {
  return `SKU ${clientName}`;
}

function worldOf(clientName: string): CaseWorld {
  const own = randomUUID();
  return { id: (name) => `${name}-${own}`, sku: skuOf(clientName) };
}

function countFinished(call: string): number {
  return service.finished.filter((finished) => finished === call).length;
}

/** The first call may still be under way when the retry comes, which is then told to come again. */
async function retried(client: WireClient, request: JsonObject): Promise<WireAnswer> {
  let answer = await client.call(reserve, request);
  for (let tries = 0; tries < 20 && answer.retryDelayMs !== null; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer = await client.call(reserve, request);
  }
  return answer;
}

/** Holds the row locks of a SKU's pools, so that nothing can be reserved of it meanwhile. */
async function whilePoolIsLocked(sku: string, work: () => Promise<void>): Promise<void> {
  const holder = new pg.Client({ connectionString: service.database.url });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select 1 from stock_pool where sku = $1 for update', [sku]);
    await work();
    await holder.query('rollback');
  } finally {
    await holder.end();
  }
}

/** Until a statement of the service waits for a lock. */
async function waitForLock(): Promise<void> {
  const watcher = new pg.Client({ connectionString: service.database.url });
  await watcher.connect();
  try {
    await expect
      .poll(async () => {
        const waiting = await watcher.query(
          "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return waiting.rowCount;
      })
      .toBeGreaterThan(0);
  } finally {
    await watcher.end();
  }
}
