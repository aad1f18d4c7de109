import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../../adapters/embedded/embedded-server.ts';
import { startEmbeddedNats } from '../../../adapters/embedded/nats-server.ts';
import { createOutbox } from '../../../src/persistence/outbox.ts';
import { createStockReader } from '../../../src/persistence/stock-reader.ts';
import { type RelayEvent, startOutboxRelay } from '../../../src/workers/outbox-relay.ts';
import { eventually, type NatsSide, openNatsSide } from '../../support/nats-side.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { openTestService, stockUp, type TestService } from '../../support/test-service.ts';

let directory: string;
let database: TestDatabase;
let service: TestService;
let server: EmbeddedServer;
let side: NatsSide;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'earmark-nats-away-'));
  server = await startNats(0);
  database = await createTestDatabase('mutants');
  service = await openTestService(database.url);
  const { pool, orm } = service.database;
  await stockUp(service, ['SHOE'], 5);
  const stock = createStockReader(orm, pool);
  side = await openNatsSide(server, await stock.warehouses(), stock);
});

afterAll(async () => {
  await side.close();
  await server.stop();
  await service.close();
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

function startNats(port: number): Promise<EmbeddedServer> {
  return startEmbeddedNats({ dataDir: directory, port, durable: false, serverBin: process.env.NATS_SERVER_BIN });
}

test('rows that were tried while nats-server was dead are sent once it is back', async () => {
  const { pool, orm } = service.database;
  const outbox = createOutbox(pool, createStockReader(orm, pool));
  const { rows } = await outbox.backlog();
  expect(rows).toBeGreaterThan(0);
  server.kill();
  await server.exited;
  await eventually('the link to notice', async () => !side.link.isUp());
  const events: RelayEvent[] = [];
  const relay = startOutboxRelay({ outbox, publisher: side.publisher, report: (event) => events.push(event) });
  try {
    await eventually('a try', async () => events.some((event) => event.kind === 'unpublished'));
    expect((await outbox.backlog()).rows).toBe(rows);
    server = await startNats(Number(new URL(server.url).port));
    await eventually('an empty outbox', async () => (await outbox.backlog()).rows === 0);
    const sites = (await side.subjects('EARMARK_STATE')).map((subject) => subject.split('.').at(-2));
    expect(sites.toSorted()).toEqual(['W1', 'W2']);
  } finally {
    await relay.stop();
  }
});
