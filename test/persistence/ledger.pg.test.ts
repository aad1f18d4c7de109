import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { DRIFTS_MAX } from '../../src/persistence/ledger/drift-list.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Drift } from '../../src/ports.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  CALL,
  CONTENT_HASH,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../support/test-service.ts';

let database: TestDatabase;
let service: TestService;
let sql: pg.Client;
/** One live, one fulfilled, one released, in this order. */
let made: Reservation[];

beforeAll(async () => {
  database = await createTestDatabase('ledger');
  service = await openTestService(database.url);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await stockUp(service, ['A', 'B'], 50);
  made = [];
  for (const sku of ['A', 'B', 'A']) {
    const outcome = await reserveOne(service, reserveInput([{ sku, quantity: 3 }]));
    made.push(reservationOf(outcome));
  }
  const target = (at: number) => ({ by: 'reservation' as const, id: made[at]?.reservationId ?? '' });
  const key = { contentHash: CONTENT_HASH, etag: '' };
  await fulfilReservation(service, { ...key, requestId: 'f', target: target(1), lines: [], close: false }, CALL);
  await releaseReservation(service, { ...key, requestId: 'r', target: target(2), reason: 'CANCELLED', note: '' }, CALL);
});

afterAll(async () => {
  await sql.end();
  await service.close();
  await database.drop();
});

function reservationOf(outcome: Awaited<ReturnType<typeof reserveOne>>): Reservation {
  if (!outcome.ok || outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) {
    throw new Error(`not reserved: ${JSON.stringify(outcome)}`);
  }
  return outcome.answer.reservation;
}

/** Does what no code of ours can do: changes rows without triggers and constraints, looks, and takes it back. */
async function plant(statements: readonly string[], values: readonly unknown[] = []): Promise<Drift[]> {
  const tables = ['stock_pool', 'reservation', 'allocation', 'audit_event', 'exchange', 'order_line', 'outbox'];
  const kept = [...tables, 'allocated_unit', 'stock_movement'];
  for (const table of kept) await sql.query(`create table kept_${table} as table ${table}`);
  await sql.query('set session_replication_role = replica');
  try {
    for (const statement of statements) {
      await sql.query(statement.includes('$1') ? { text: statement, values: [...values] } : statement);
    }
    return (await createLedgerAuditor(service.database.pool, { chunkSize: 2 }).verify()).drifts as Drift[];
  } finally {
    for (const table of kept) {
      await sql.query(`truncate ${table}`);
      const columns = await sql.query<{ list: string }>(
        `select string_agg(quote_ident(column_name), ', ') as list from information_schema.columns where table_name = $1`,
        [table],
      );
      const list = columns.rows[0]?.list;
      await sql.query(
        `insert into ${table} (${list}) ${table === 'outbox' ? 'overriding system value' : ''} select ${list} from kept_${table}`,
      );
      await sql.query(`drop table kept_${table}`);
    }
    await sql.query('set session_replication_role = origin');
  }
}

const id = (at: number): string => made[at]?.reservationId ?? '';
const tracking = (at: number): string => made[at]?.trackingId ?? '';

/** Drops a constraint for the length of a test body; `add` puts it back. */
async function without<T>(table: string, constraint: string, body: () => Promise<T>): Promise<T> {
  const found = await sql.query<{ definition: string }>(
    'select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1',
    [constraint],
  );
  await sql.query(`alter table ${table} drop constraint ${constraint}`);
  try {
    return await body();
  } finally {
    await sql.query(`alter table ${table} add constraint ${constraint} ${found.rows[0]?.definition}`);
  }
}

describe('a ledger nobody touched', () => {
  test.each([1, 2, 500])('has no drift and counts everything, in chunks of %i', async (chunkSize) => {
    const report = await createLedgerAuditor(service.database.pool, { chunkSize }).verify();
    expect(report).toEqual({ reservationsChecked: 3, poolsChecked: 4, eventsChecked: 5, drifts: [] });
  });

  test('has none either before the first row', async () => {
    const empty = await createTestDatabase('empty');
    const other = await openTestService(empty.url);
    const report = await createLedgerAuditor(other.database.pool).verify();
    expect(report).toEqual({ reservationsChecked: 0, poolsChecked: 0, eventsChecked: 0, drifts: [] });
    await other.close();
    await empty.drop();
  });

  test('is read between snapshots until the caller goes away', async () => {
    const reason = new Error('gone');
    const auditor = createLedgerAuditor(service.database.pool);
    await expect(auditor.verify(AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const begun = auditor.verify(controller.signal);
    controller.abort(reason);
    await expect(begun).rejects.toBe(reason);
    expect(service.database.pool.idleCount).toBe(service.database.pool.totalCount);
  });
});

describe('a drift of 1 is found and named', () => {
  test('RESERVED_COUNTER: a pool reserves more than its lines', async () => {
    const drifts = await plant(["update stock_pool set reserved = reserved + 1 where sku = 'A' and warehouse = 'W1'"]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'RESERVED_COUNTER', sku: 'A', warehouse: 'W1', expected: 3, actual: 4 }),
    ]);
  });

  test('RESERVED_COUNTER and ON_HAND_COUNTER: lines and movements of a pool that is gone', async () => {
    const drifts = await plant(["delete from stock_pool where sku = 'A' and warehouse = 'W1'"]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'ON_HAND_COUNTER', sku: 'A', warehouse: 'W1', expected: 50, actual: 0 }),
      expect.objectContaining({ kind: 'RESERVED_COUNTER', sku: 'A', warehouse: 'W1', expected: 3, actual: 0 }),
    ]);
  });

  test.each(['on_hand', 'unavailable', 'committed'])('ON_HAND_COUNTER: %s is not what moved', async (counter) => {
    const drifts = await plant([
      `update stock_pool set ${counter} = ${counter} + 1 where sku = 'B' and warehouse = 'W2'`,
    ]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'ON_HAND_COUNTER', sku: 'B', warehouse: 'W2', detail: counter }),
    ]);
    expect(drifts[0]).toSatisfy((drift: Drift) => drift.actual - drift.expected === 1);
  });

  test('SHORTAGE: an open shortage that is none', async () => {
    const drifts = await without('stock_pool', 'stock_pool_promise', () =>
      plant(["update stock_pool set shortage = 1 where sku = 'A' and warehouse = 'W2'"]),
    );
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'SHORTAGE', sku: 'A', warehouse: 'W2', expected: 0, actual: 1 }),
    ]);
  });

  test('ALLOCATION: a line holds another number than its audit event says', async () => {
    const drifts = await plant(
      [
        'update allocation set reserved = reserved + 1, quantity = quantity + 1 where reservation_id = $1',
        "update stock_pool set reserved = reserved + 1 where sku = 'A' and warehouse = 'W1'",
        'update order_line set exchanged = exchanged + 1 where order_id = (select order_id from reservation where reservation_id = $1)',
      ],
      [id(0)],
    );
    const place = { sku: 'A', warehouse: 'W1', trackingId: tracking(0) };
    expect(drifts).toEqual([expect.objectContaining({ kind: 'ALLOCATION', ...place, expected: 3, actual: 4 })]);
  });

  test('ALLOCATION: a line that is gone', async () => {
    const drifts = await plant(['delete from allocation where reservation_id = $1'], [id(2)]);
    expect(drifts).toEqual([expect.objectContaining({ kind: 'ALLOCATION', sku: 'A', trackingId: tracking(2) })]);
  });

  test('STATE: a deadline nobody decided', async () => {
    const drifts = await plant(
      ["update reservation set expire_time = expire_time + interval '1 ms' where reservation_id = $1"],
      [id(0)],
    );
    expect(drifts).toEqual([expect.objectContaining({ kind: 'STATE', trackingId: tracking(0) })]);
    expect(drifts[0]?.detail).toContain('expire_time');
    expect(drifts[0]?.eventId).not.toBe('');
  });

  test('STATE: a reservation that is gone', async () => {
    const drifts = await plant(['delete from reservation where reservation_id = $1'], [id(0)]);
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'STATE', trackingId: tracking(0), actual: 0 }));
  });

  test('CONSERVATION: a unit appeared from nowhere', async () => {
    const drifts = await without('allocation', 'allocation_conserved', () =>
      plant(['update allocation set quantity = quantity - 1 where reservation_id = $1'], [id(1)]),
    );
    const place = { sku: 'B', warehouse: 'W1', trackingId: tracking(1) };
    expect(drifts).toEqual([expect.objectContaining({ kind: 'CONSERVATION', ...place, expected: 2, actual: 3 })]);
  });

  test.each([
    ['"reserved":3', '"reserved":4', { expected: 3, actual: 4 }],
    ['"released":0', '"released":4', { expected: 4, actual: 3 }],
  ])('CONSERVATION: an audit event that tells %s as %s', async (text, other, numbers) => {
    const drifts = await plant(
      [
        `update audit_event set after_state = replace(after_state::text, '${text}', '${other}')::json
         where reservation_id = $1 and version = 1`,
      ],
      [id(2)],
    );
    expect(drifts.map((drift) => drift.kind).sort()).toEqual(['CONSERVATION', 'HASH_CHAIN']);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'CONSERVATION', sku: 'A', trackingId: tracking(2), ...numbers }),
    );
  });

  test('LIVE_ALLOCATION: a released reservation still holds', async () => {
    const drifts = await plant(
      ['update allocation set reserved = reserved + 1, released = released - 1 where reservation_id = $1'],
      [id(2)],
    );
    const place = { sku: 'A', warehouse: 'W1', trackingId: tracking(2) };
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'LIVE_ALLOCATION', ...place, expected: 0, actual: 1 }),
    );
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'RESERVED_COUNTER', sku: 'A', warehouse: 'W1' }));
  });

  test('VERSION_GAP: the first event is gone', async () => {
    const drifts = await plant(['delete from audit_event where reservation_id = $1 and version = 1'], [id(1)]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'VERSION_GAP', trackingId: tracking(1), expected: 1, actual: 2 }),
    );
  });

  test('VERSION_GAP: the last event is gone', async () => {
    const drifts = await plant(['delete from audit_event where reservation_id = $1 and version = 2'], [id(1)]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'VERSION_GAP', trackingId: tracking(1), expected: 2, actual: 1 }),
    );
  });

  test.each([
    ["actor = 'other'", 'was hashed'],
    ['rule_version = rule_version + 1', 'was hashed'],
    ["create_time = create_time + interval '1 ms'", 'was hashed'],
    ["after_state = (after_state::text || ' ')::json", 'was hashed'],
  ])('HASH_CHAIN: an audit event with %s', async (change, detail) => {
    const drifts = await plant([`update audit_event set ${change} where reservation_id = $1 and version = 1`], [id(1)]);
    expect(drifts).toEqual([expect.objectContaining({ kind: 'HASH_CHAIN', trackingId: tracking(1) })]);
    expect(drifts[0]?.detail).toContain(detail);
    const [event] = (
      await sql.query('select event_id from audit_event where reservation_id = $1 and version = 1', [id(1)])
    ).rows;
    expect(drifts[0]?.eventId).toBe(event.event_id);
  });

  test('TRANSITION: an event after the end', async () => {
    const drifts = await plant(
      [
        `insert into audit_event select (jsonb_populate_record(e, jsonb_build_object('version', 3,
           'event_id', gen_random_uuid(), 'previous_hash', e.hash))).* from audit_event e
         where reservation_id = $1 and version = 2`,
      ],
      [id(2)],
    );
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'TRANSITION', trackingId: tracking(2) }));
  });

  test('HASH_CHAIN: an event torn out of its chain', async () => {
    const drifts = await plant(
      ['update audit_event set previous_hash = hash where reservation_id = $1 and version = 2'],
      [id(1)],
    );
    expect(drifts.map((drift) => drift.kind)).toEqual(['HASH_CHAIN', 'HASH_CHAIN']);
  });

  test('OUTBOX: an event without its message, one with two, a message without its event', async () => {
    const missing = await plant(["delete from outbox where topic = 'reservation' and key = $1"], [id(0)]);
    expect(missing).toEqual([
      expect.objectContaining({ kind: 'OUTBOX', trackingId: tracking(0), expected: 1, actual: 0 }),
    ]);
    const twice = await plant(
      [
        `insert into outbox (topic, key, warehouse, version, traceparent) select topic, key, warehouse, version, ''
         from outbox where topic = 'reservation' and key = $1`,
      ],
      [id(0)],
    );
    expect(twice).toEqual([
      expect.objectContaining({ kind: 'OUTBOX', trackingId: tracking(0), expected: 1, actual: 2 }),
    ]);
    const phantom = await plant([
      "insert into outbox (topic, key, warehouse, version, traceparent) values ('reservation', 'nobody', '', 1, '')",
    ]);
    expect(phantom).toEqual([expect.objectContaining({ kind: 'OUTBOX', expected: 0, actual: 1 })]);
  });

  test('OUTBOX: a message gone after the time it is kept is none', async () => {
    const drifts = await plant(
      [
        "delete from outbox where topic = 'reservation' and key = $1",
        "update audit_event set create_time = create_time - interval '8 days' where reservation_id = $1",
      ],
      [id(0)],
    );
    expect(drifts.map((drift) => drift.kind)).toEqual(['HASH_CHAIN']);
  });

  test('UNIT: more units held than reserved, and one held twice', async () => {
    const insert = `insert into allocated_unit (sku, unit_id, reservation_id, line_number, warehouse, held)
      values ('A', 'U1', $1, 1, 'W1', true)`;
    const resolved = await plant([insert], [id(2)]);
    expect(resolved).toEqual([
      expect.objectContaining({ kind: 'UNIT', sku: 'A', warehouse: 'W1', trackingId: tracking(2), actual: 1 }),
    ]);
    const twice = await withoutIndex('allocated_unit_held_once', () =>
      plant([insert, insert.replace('$1, 1,', '$1, 2,')], [id(0)]),
    );
    expect(twice).toContainEqual(expect.objectContaining({ kind: 'UNIT', sku: 'A', expected: 1, actual: 2 }));
  });

  test('ORDER_LINE: exchanged more than the reservations of it', async () => {
    const drifts = await plant(
      ['update order_line set exchanged = exchanged + 1 where order_id = $1'],
      [made[1]?.orderId],
    );
    expect(drifts).toEqual([expect.objectContaining({ kind: 'ORDER_LINE', expected: 3, actual: 4 })]);
    expect(drifts[0]?.detail).toContain(made[1]?.orderId);
  });

  test('EXCHANGE: an exchange that points nowhere, and one that is gone', async () => {
    const nowhere = await plant(
      ['update exchange set reservation_id = null where exchange_id = $1'],
      [made[0]?.exchangeId],
    );
    expect(nowhere).toEqual([expect.objectContaining({ kind: 'EXCHANGE', trackingId: tracking(0) })]);
    const gone = await plant(['delete from exchange where exchange_id = $1'], [made[0]?.exchangeId]);
    expect(gone).toEqual([expect.objectContaining({ kind: 'EXCHANGE', trackingId: tracking(0) })]);
  });

  test('an audit event that tells of nothing is named, not stumbled over', async () => {
    const drifts = await plant(["update audit_event set after_state = 'null' where reservation_id = $1"], [id(0)]);
    expect(drifts.map((drift) => drift.kind)).toEqual(expect.arrayContaining(['HASH_CHAIN', 'STATE']));
  });

  test('a report is bounded however much is wrong', async () => {
    const drifts = await plant([
      `insert into outbox (topic, key, warehouse, version, traceparent)
       select 'reservation', 'nobody', '', v, '' from generate_series(1, ${DRIFTS_MAX + 10}) v`,
    ]);
    expect(drifts).toHaveLength(DRIFTS_MAX);
  });

  test('what was planted was taken back', async () => {
    const report = await createLedgerAuditor(service.database.pool).verify();
    expect(report.drifts).toEqual([]);
  });
});

async function withoutIndex<T>(index: string, body: () => Promise<T>): Promise<T> {
  const found = await sql.query<{ indexdef: string }>('select indexdef from pg_indexes where indexname = $1', [index]);
  await sql.query(`drop index ${index}`);
  try {
    return await body();
  } finally {
    await sql.query(found.rows[0]?.indexdef ?? '');
  }
}
