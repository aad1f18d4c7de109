import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { VICTIMS_MAX } from '../../src/domain/shortage-book.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { createShortages } from '../../src/persistence/shortages.ts';
import { settleShortages } from '../../src/use-cases/settle-shortages.ts';
import { countStock } from '../../src/use-cases/stock.ts';
import { createTestDatabase } from '../support/postgres.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices } from '../support/two-services.ts';

const RESERVATIONS = 100_000;
const SHORTAGE = 5;

/** Index entries a count may look at: the victims, some to spare, and little beside. */
const LOOKED_AT_MAX = 500;

const PLANT = `
  with made as (
    insert into reservation (reservation_id, tracking_id, version, state, exchange_id, return_case_id, order_id,
      customer_ref, channel, priority, lines, rule_version, create_time, expire_time, trace_id)
    select uuidv7(), 't-' || n, 1, 'RESERVED', 'x-' || n, '', '', '', 'web', case when n = 77 then -1 else 0 end,
      '[{"lineNumber":1,"sku":"A","quantity":1,"orderLineId":"","returnedSku":"","pinned":true}]', 1, clock_timestamp(),
      clock_timestamp() + interval '1 day', ''
    from generate_series(1, ${RESERVATIONS}) n returning reservation_id, priority)
  insert into allocation (reservation_id, line_number, warehouse, sku, quantity, reserved, priority)
  select reservation_id, 1, 'W1', 'A', 1, 1, priority from made`;

async function count(service: TestService, onHand: number): Promise<void> {
  const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null, netOfReserved: false };
  const counts = [{ sku: 'A', warehouse: 'W1', onHand, ...plain }];
  const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
  expect(await countStock(service, { ...key, reason: 'count', counts }, CALL)).toMatchObject({ ok: true });
}

test('R15: among 100,000 live reservations of a pool the victims of a small shortage are found by an index', {
  timeout: 120_000,
}, async () => {
  const database = await createTestDatabase('shortage-size');
  const service = await openTestService(database.url);
  try {
    await stockUp(service, ['A'], RESERVATIONS);
    const { pool } = service.database;
    const planter = new pg.Client({ connectionString: database.url });
    await planter.connect();
    await planter.query(PLANT);
    await planter.query(`update stock_pool set reserved = ${RESERVATIONS} where sku = 'A' and warehouse = 'W1'`);
    await planter.query('analyze allocation, reservation');
    await planter.end();
    const lookedAt = async () => {
      await pool.query('select pg_stat_force_next_flush()');
      const { rows } = await pool.query<{ read: number }>(
        `select (sum(idx_tup_read) + sum(seq_tup_read))::int as read from pg_stat_user_indexes i
         join pg_stat_user_tables t using (relid) where t.relname in ('allocation', 'reservation')`,
      );
      return rows[0]?.read ?? 0;
    };
    const other = await openTestService(database.url);
    const before = await lookedAt();
    await count(other, RESERVATIONS - SHORTAGE);
    await other.close();
    await expect.poll(lookedAt, { timeout: 10_000 }).toBeGreaterThan(before);
    expect((await lookedAt()) - before).toBeLessThan(LOOKED_AT_MAX);
    const filter = { skus: [], warehouses: [], includeClosed: false };
    const page = await createShortages(pool).list(filter, { size: 1, token: '' });
    const victims = page.rows.flatMap((row) => row.victims.map((victim) => victim.trackingId));
    const newest = [0, 1, 2, 3].map((back) => `t-${RESERVATIONS - back}`);
    expect(victims).toEqual(['t-77', ...newest]);
  } finally {
    await service.close();
    await database.drop();
  }
});

test('R15: a shortage too large for one commit is told whole at once, its victims are named and recover step by step', {
  timeout: 120_000,
}, async () => {
  const many = VICTIMS_MAX + 100;
  const { one, two, close } = await openTwoServices('large-shortage', ['A'], many);
  const { pool } = one.database;
  const shortages = createShortages(pool);
  const verify = async () => (await createLedgerAuditor(pool).verify()).drifts;
  const list = async () => {
    const filter = { skus: ['A'], warehouses: [], includeClosed: false };
    return (await shortages.list(filter, { size: 5, token: '' })).rows;
  };
  const settle = async () => {
    const pools = await shortages.unsettled(10);
    await settleShortages(two, pools, new AbortController().signal);
    return pools.length;
  };
  const input = () => {
    const asked = reserveInput([{ sku: 'A', orderLineId: '' }]);
    return { ...asked, lines: asked.lines.map((line) => ({ ...line, warehouse: 'W1' })) };
  };
  await Promise.all(Array.from({ length: many }, async () => madeReservation(await reserveOne(one, input()))));
  await count(one, 0);
  expect(await list()).toMatchObject([{ quantity: many, unnamed: 100 }]);
  expect(await verify()).toEqual([]);
  expect(await settle()).toBe(1);
  expect(await list()).toMatchObject([{ quantity: many, unnamed: 0 }]);
  expect(await settle()).toBe(0);
  const told = await pool.query(
    "select count(distinct reservation_id)::int as told from notification where kind = 'SHORTAGE'",
  );
  expect(told.rows).toEqual([{ told: many }]);
  await count(one, many);
  expect(await list()).toEqual([]);
  expect(await verify()).toEqual([]);
  expect(await settle()).toBe(1);
  expect(await settle()).toBe(0);
  expect((await pool.query('select 1 from allocation where missing > 0')).rows).toEqual([]);
  await close();
});
