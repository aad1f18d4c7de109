import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';
import { ON_HAND, ownSku } from '../support/waiting.ts';

const WAIT_MAX_MS = 10_000;

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('newpool');
  service = await openTestService(database.url);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

test('R19: a pool that comes while a unit waits for the locks of its SKU is locked and served from too', async () => {
  const sku = await ownSku(service);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query(
    'insert into warehouse select $1, name, time_zone, 9, country_code, postal_code, true, wms from warehouse limit 1',
    ['W9'],
  );
  await other.query('update incarnation set catalog_version = catalog_version + 1');
  await other.query('begin');
  await other.query('select 1 from stock_pool where sku = $1 for no key update', [sku]);
  const reserving = reserveOne(service, { ...reserveInput([{ sku, quantity: 2 * ON_HAND + 1 }]), waitlist: true });
  await vi.waitFor(async () => {
    const waiting = await service.database.pool.query(`select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%from stock_pool p where p.sku%'`);
    expect(waiting.rows).toHaveLength(1);
  }, WAIT_MAX_MS);
  await other.query('insert into stock_pool (sku, warehouse, on_hand) values ($1, $2, 1)', [sku, 'W9']);
  await other.query('commit');
  await other.end();
  expect(await reserving).toMatchObject({ ok: true, answer: { reservation: { state: 'RESERVED' } } });
});
