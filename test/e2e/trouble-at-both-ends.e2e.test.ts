import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpCall, until } from '../support/http-call.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type PostgresRelay, type RelayMode, startPostgresRelay } from '../support/postgres-relay.ts';
import { startTestService } from '../support/service.ts';

/** What the contract allows a stop. */
const STOP_MAX_MS = 30_000;
const NOWHERE = 'nats://127.0.0.1:1';

let database: TestDatabase;
const relays: PostgresRelay[] = [];

beforeAll(async () => {
  database = await createTestDatabase('trouble');
});

afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.close()));
  await database.drop();
});

async function relayTo(mode: RelayMode): Promise<PostgresRelay> {
  const relay = await startPostgresRelay(database.url, mode);
  relays.push(relay);
  return relay;
}

test('starts and serves while NATS is away, and stops', async () => {
  const service = await startTestService({ databaseUrl: database.url, natsUrl: NOWHERE });
  const put = await httpCall(service.httpPort, 'StockService/PutItems', {
    requestId: 'items-1',
    items: [{ sku: 'AWAY-1', name: 'away', tracking: 'TRACKING_QUANTITY' }],
  });
  expect(put.status).toBe(200);
  expect(await service.stop()).toBe(0);
});

test('waits for a database that is starting up', async () => {
  const relay = await relayTo('starting');
  const starting = startTestService({ databaseUrl: relay.url, natsUrl: NOWHERE });
  await Promise.race([starting, until('the service to be turned away', async () => relay.turnedAway() >= 2)]);
  relay.become('open');
  const service = await starting;
  expect(await service.stop()).toBe(0);
});

test('is stopped in the middle of waiting for its database', async () => {
  const relay = await relayTo('starting');
  const dataDir = await mkdtemp(join(tmpdir(), 'earmark-trouble-'));
  const child = spawn(process.execPath, ['--import', './src/telemetry.ts', 'src/main.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: relay.url,
      NATS_URL: NOWHERE,
      EARMARK_DATA_DIR: dataDir,
      EARMARK_GRPC_PORT: '0',
      EARMARK_HTTP_PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (bytes) => {
    output += String(bytes);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await until('the process to be turned away', async () => relay.turnedAway() >= 1);
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(output).not.toContain('could not start');
  await rm(dataDir, { recursive: true, force: true });
});

test('stops with 0 in time although the database has fallen silent under a call and a second signal comes', async () => {
  const relay = await relayTo('open');
  const service = await startTestService({ databaseUrl: relay.url, natsUrl: NOWHERE });
  relay.become('silent');
  const call = httpCall(service.httpPort, 'StockService/PutItems', {
    requestId: 'items-2',
    items: [{ sku: 'SILENT-1', name: 'silent', tracking: 'TRACKING_QUANTITY' }],
  }).catch(() => undefined);
  await until('something to be left unanswered', async () => relay.isKeepingSilent());
  const startedAt = performance.now();
  process.kill(service.pid, 'SIGTERM');
  process.kill(service.pid, 'SIGTERM');
  expect(await service.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(STOP_MAX_MS);
  await call;
  await service.stop();
}, 60_000);
