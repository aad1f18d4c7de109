import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOutbox } from '../../../src/persistence/outbox.ts';
import { createStockReader } from '../../../src/persistence/stock-reader.ts';
import type { RelayLease } from '../../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { openTestService, stockUp, type TestService } from '../../support/test-service.ts';

const ROWS_MAX = 100;

let database: TestDatabase;
let service: TestService;
let lease: RelayLease;
let slow: pg.Client;
let quick: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('mutants');
  service = await openTestService(database.url);
  await stockUp(service, ['SHOE'], 1);
  const { pool, orm } = service.database;
  const won = await createOutbox(pool, createStockReader(orm, pool)).lead(0);
  if (won === null) throw new Error('somebody else leads');
  lease = won;
  slow = new pg.Client(database.url);
  quick = new pg.Client(database.url);
  await Promise.all([slow.connect(), quick.connect()]);
});

afterAll(async () => {
  await lease.release();
  await Promise.all([slow.end(), quick.end()]);
  await service.close();
  await database.drop();
});

/** Writes one row as every unit does, and answers its number. */
async function insertRow(client: pg.Client, version: number): Promise<bigint> {
  const { rows } = await client.query<{ outbox_id: string }>(
    `insert into outbox (topic, key, warehouse, version, traceparent) values ('pool', 'SHOE', 'W1', $1, '')
     returning outbox_id::text`,
    [version],
  );
  return BigInt(rows[0]?.outbox_id ?? 0);
}

async function claimAndMark(): Promise<bigint[]> {
  const ids = (await lease.claim(ROWS_MAX)).map((row) => row.outboxId);
  await lease.markPublished(ids);
  return ids;
}

test('a row that commits after a later one was published is published too', async () => {
  await claimAndMark();
  await slow.query('begin');
  const lower = await insertRow(slow, 101);
  const higher = await insertRow(quick, 102);
  expect(higher).toBeGreaterThan(lower);
  expect(await claimAndMark()).toEqual([higher]);
  await slow.query('commit');
  expect(await claimAndMark()).toEqual([lower]);
  expect(await claimAndMark()).toEqual([]);
});
