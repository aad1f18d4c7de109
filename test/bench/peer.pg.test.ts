import { create } from '@bufbuild/protobuf';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PEER_WAREHOUSE, reserveInTransaction } from '../../bench/peers/pg-transaction/reserve.ts';
import { PEER_SCHEMA_SQL } from '../../bench/peers/pg-transaction/schema.ts';
import { type ReserveRequest, ReserveRequestSchema } from '../../src/gen/earmark/v1/reserve_pb.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase('peer');
  pool = new pg.Pool({ connectionString: database.url, max: 10, options: '-c search_path=peer' });
  await pool.query(`create schema peer; ${PEER_SCHEMA_SQL}`);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

function request(id: string, ...skus: string[]): ReserveRequest {
  const lines = skus.map((sku) => ({ sku, quantity: 1 }));
  return create(ReserveRequestSchema, { requestId: id, exchangeId: `exchange-${id}`, lines });
}

async function stock(sku: string, onHand: number): Promise<void> {
  await pool.query('insert into pool (sku, warehouse, on_hand) values ($1, $2, $3)', [sku, PEER_WAREHOUSE, onHand]);
}

async function reserved(sku: string): Promise<number> {
  const result = await pool.query<{ reserved: number }>('select reserved from pool where sku = $1', [sku]);
  return result.rows[0]?.reserved ?? -1;
}

test('of 60 callers who ask for 20 units exactly 20 get one', async () => {
  await stock('SCARCE', 20);

  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_none, index) => reserveInTransaction(pool, request(`race-${index}`, 'SCARCE'))),
  );

  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(20);
  const reasons = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.reason]));
  expect(new Set(reasons)).toEqual(new Set(['NO_STOCK']));
  expect(await reserved('SCARCE')).toBe(20);
});

test('the same request sent ten times at once takes one unit and gives one answer', async () => {
  await stock('ONCE', 100);

  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => reserveInTransaction(pool, request('same', 'ONCE'))),
  );

  const ids = outcomes.map((outcome) => (outcome.ok ? outcome.state.reservationId : outcome.reason));
  expect(new Set(ids).size).toBe(1);
  expect(outcomes.filter((outcome) => outcome.ok && !outcome.replayed)).toHaveLength(1);
  expect(await reserved('ONCE')).toBe(1);
});

test('calls over the same two SKUs in opposite order do not wait for each other for ever', async () => {
  await stock('LEFT', 100);
  await stock('RIGHT', 100);

  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_none, index) =>
      reserveInTransaction(
        pool,
        index % 2 === 0 ? request(`even-${index}`, 'LEFT', 'RIGHT') : request(`odd-${index}`, 'RIGHT', 'LEFT'),
      ),
    ),
  );

  expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
  expect(await reserved('LEFT')).toBe(40);
});

test('one line too many changes nothing, and lines of one SKU are summed', async () => {
  await stock('PLENTY', 10);
  await stock('LAST', 1);

  const short = await reserveInTransaction(pool, request('short', 'LAST', 'PLENTY', 'LAST'));
  const other = await reserveInTransaction(pool, { ...request('short', 'PLENTY'), exchangeId: 'exchange-free' });

  expect(short).toMatchObject({ ok: false, reason: 'NO_STOCK' });
  expect(other).toMatchObject({ ok: true, replayed: false });
  expect(await reserved('PLENTY')).toBe(1);
  expect(await reserved('LAST')).toBe(0);
});

test('the same id with other content is refused', async () => {
  await stock('REUSED', 10);
  await reserveInTransaction(pool, request('reused', 'REUSED'));

  const outcome = await reserveInTransaction(pool, request('reused', 'REUSED', 'REUSED'));

  expect(outcome).toMatchObject({ ok: false, reason: 'REQUEST_ID_REUSED' });
});

test('each reservation leaves one row of each kind and two for the outbox', async () => {
  await stock('ROWS', 10);
  const before = await countRows();

  await reserveInTransaction(pool, request('rows', 'ROWS'));

  const after = await countRows();
  const added = Object.fromEntries(Object.entries(after).map(([table, rows]) => [table, rows - (before[table] ?? 0)]));
  expect(added).toEqual({ request: 1, exchange: 1, reservation: 1, allocation: 1, audit_event: 1, outbox: 2 });
});

async function countRows(): Promise<Record<string, number>> {
  const tables = ['request', 'exchange', 'reservation', 'allocation', 'audit_event', 'outbox'];
  const counts = tables.map(async (table) => {
    const result = await pool.query<{ rows: number }>(`select count(*)::int as rows from ${table}`);
    return [table, result.rows[0]?.rows ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
