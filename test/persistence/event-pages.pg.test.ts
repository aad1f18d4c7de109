import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsQuery, type Position } from '../../src/persistence/event-query.ts';
import type { AuditFilter } from '../../src/ports/event-reader.ts';
import { NO_EVENT_FILTER } from '../support/event-filter.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const RESERVATIONS = 40_000;
const PAGE_SIZE = 50;

/** Blocks that a page with an index of its own may touch: some for each of its events, however many others there are. */
const BLOCKS_MAX = 2_000;

/** Blocks that a page may touch which has to look for events that no index has in order. */
const BLOCKS_LOOKED_AT_MAX = 60_000;

let database: TestDatabase;
let sql: pg.Client;

/** Everything belongs to one case, one order and one SKU; every tenth event is by a clerk, and one is by a guest. */
const LEDGER = `
  insert into warehouse select 'W' || w, 'W', 'UTC', 1, '', '', true, '' from generate_series(1, 3) w;
  insert into item values ('A', gen_random_uuid(), 'A', 'QUANTITY', '', '{}', '{}', false);
  insert into reservation (reservation_id, tracking_id, version, state, exchange_id, return_case_id, order_id, customer_ref,
      channel, priority, lines, rule_version, create_time, expire_time, trace_id)
    select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'T' || n, 1, 'RESERVED', 'E' || n, 'CASE', 'ORDER',
      '', '', 0, '[]', 1, to_timestamp(n), to_timestamp(n), '' from generate_series(1, ${RESERVATIONS}) n;
  insert into allocation (reservation_id, line_number, warehouse, sku, quantity, reserved)
    select reservation_id, 1, 'W' || 1 + extract(epoch from create_time)::int % 3, 'A', 1, 1 from reservation;
  insert into audit_event (reservation_id, version, event_id, kind, actor, create_time, body, hash)
    select reservation_id, 1, gen_random_uuid(), 'reserved', case
        when extract(epoch from create_time)::int = 20000 then 'guest'
        when extract(epoch from create_time)::int % 10 = 0 then 'clerk' else 'service' end,
      create_time, convert_to(repeat('x', 700), 'UTF8'), sha256('') from reservation;
  analyze;
`;

beforeAll(async () => {
  database = await createTestDatabase('pages');
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(LEDGER);
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

/** Blocks that reading a page touches, and how many events it finds. */
async function costOf(filter: Partial<AuditFilter>, after: Position | null) {
  const { text, values } = eventsQuery({ ...NO_EVENT_FILTER, ...filter }, after, PAGE_SIZE).statement;
  const result = await sql.query({ text: `explain (analyze, buffers, format json) ${text}`, values });
  const { Plan: plan } = result.rows[0]['QUERY PLAN'][0];
  return { blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], rows: plan['Actual Rows'] };
}

function positionAt(n: number): Position {
  const reservationId = `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
  return { createdAt: n * 1_000, reservationId, version: 1 };
}

const MIDDLE = positionAt(RESERVATIONS / 2);
const NEAR_END = positionAt(RESERVATIONS - 1_000);

test.each<[string, Partial<AuditFilter>]>([
  ['everything', {}],
  ['a time', { from: 1_000_000, until: RESERVATIONS * 1_000 }],
  ['an actor', { actor: 'clerk' }],
  ['an actor in a time', { actor: 'clerk', from: 1_000_000 }],
  ['a case', { returnCaseId: 'CASE' }],
  ['an order', { orderId: 'ORDER' }],
  ['a SKU', { sku: 'A' }],
  ['a SKU in a warehouse', { sku: 'A', warehouse: 'W2' }],
])('a page of %s costs the same at the beginning, in the middle and near the end', async (_, filter) => {
  for (const after of [null, MIDDLE, NEAR_END]) {
    const { blocks, rows } = await costOf(filter, after);
    expect(rows).toBe(PAGE_SIZE + 1);
    expect(blocks).toBeLessThan(BLOCKS_MAX);
  }
});

test('an actor of one event is found at once', async () => {
  const { blocks } = await costOf({ actor: 'guest' }, null);
  expect(blocks).toBeLessThan(BLOCKS_MAX);
});

test.each<[string, Partial<AuditFilter>]>([
  ['a kind that there is not', { kinds: ['expired'] }],
  ['a case and an actor', { returnCaseId: 'CASE', actor: 'guest' }],
  ['a warehouse that there is not', { warehouse: 'W9' }],
])('%s is looked for in a bounded part of the events', async (_, filter) => {
  for (const after of [null, MIDDLE]) expect((await costOf(filter, after)).blocks).toBeLessThan(BLOCKS_LOOKED_AT_MAX);
});

test.each<[string, Partial<AuditFilter>]>([
  ['one reservation', { reservationId: MIDDLE.reservationId }],
  ['one tracking id', { trackingId: 'T7' }],
  ['one exchange', { exchangeId: 'E7' }],
  ['a unit', { unitId: 'U7' }],
])('the events of %s are found at once', async (_, filter) => {
  expect((await costOf(filter, null)).blocks).toBeLessThan(BLOCKS_MAX / 10);
});
