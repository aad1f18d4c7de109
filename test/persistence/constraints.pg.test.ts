import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
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

beforeAll(async () => {
  database = await createTestDatabase('constraints');
  service = await openTestService(database.url);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await stockUp(service, ['A'], 10);
  await reserveOne(service, reserveInput([{ sku: 'A', quantity: 3 }], { exchangeId: 'live', requestId: 'once' }));
  await reserveOne(service, reserveInput([{ sku: 'A', quantity: 2 }], { exchangeId: 'over' }));
  const target = { by: 'exchange' as const, id: 'over' };
  const key = { requestId: 'r', contentHash: CONTENT_HASH, etag: '', reason: 'CANCELLED' as const, note: '' };
  await releaseReservation(service, { ...key, target }, CALL);
  await sql.query(`insert into allocated_unit (sku, unit_id, reservation_id, line_number, warehouse, held)
    select 'A', 'U1', reservation_id, 1, 'W1', true from reservation where exchange_id = 'live'`);
});

afterAll(async () => {
  await sql.end();
  await service.close();
  await database.drop();
});

const POOL = "where sku = 'A' and warehouse = 'W1'";
const LIVE = "where exchange_id = 'live'";
const OVER = "where exchange_id = 'over'";
const ALLOCATION = `where reservation_id = (select reservation_id from reservation ${LIVE})`;
const CHECK = '23514';
const UNIQUE = '23505';
const RAISED = 'P0001';

/** The columns of a reservation with some replaced, for a copy of the row. */
const copyOf = (where: string, changes: string) => `insert into reservation
  select (jsonb_populate_record(r, jsonb_build_object(
    'reservation_id', gen_random_uuid(), 'tracking_id', gen_random_uuid()::text, ${changes}))).*
  from reservation r ${where}`;

const REFUSED: [what: string, statement: string, state: string, constraint: string | RegExp][] = [
  ['promising more than is there', `update stock_pool set reserved = 11 ${POOL}`, CHECK, 'stock_pool_promise'],
  ['losing stock that is promised', `update stock_pool set on_hand = 2 ${POOL}`, CHECK, 'stock_pool_promise'],
  ['blocking stock that is promised', `update stock_pool set unavailable = 8 ${POOL}`, CHECK, 'stock_pool_promise'],
  ['telling a wrong shortage', `update stock_pool set on_hand = 2, shortage = 2 ${POOL}`, CHECK, 'stock_pool_promise'],
  ['a shortage where there is none', `update stock_pool set shortage = 1 ${POOL}`, CHECK, 'stock_pool_promise'],
  ['reserved below 0', `update stock_pool set reserved = -1 ${POOL}`, CHECK, 'stock_pool_counters'],
  ['on hand below 0', `update stock_pool set on_hand = -1, shortage = 4 ${POOL}`, CHECK, 'stock_pool_counters'],
  ['unavailable below 0', `update stock_pool set unavailable = -1 ${POOL}`, CHECK, 'stock_pool_counters'],
  ['committed below 0', `update stock_pool set committed = -1 ${POOL}`, CHECK, 'stock_pool_counters'],
  ['sales below 0', `update stock_pool set sale_reserved = -1 ${POOL}`, CHECK, 'stock_pool_ruled'],
  ['more sold than reserved', `update stock_pool set sale_reserved = reserved + 1 ${POOL}`, CHECK, 'stock_pool_ruled'],
  ['a minimum below 0', `update stock_pool set exchange_minimum = -1 ${POOL}`, CHECK, 'stock_pool_ruled'],
  [
    'a minimum that is not there',
    `update stock_pool set exchange_minimum = reserved + on_hand + 1 ${POOL}`,
    CHECK,
    'stock_pool_minimum',
  ],
  ['safety stock below 0', `update stock_pool set safety_stock = -1 ${POOL}`, CHECK, 'stock_pool_counters'],
  ['a unit from nowhere in a line', `update allocation set reserved = 4 ${ALLOCATION}`, CHECK, 'allocation_conserved'],
  [
    'a line that consumed less than nothing',
    `update allocation set reserved = 4, fulfilled = -1 ${ALLOCATION}`,
    CHECK,
    'allocation_counters',
  ],
  ['picking more than is held', `update allocation set picked = 4 ${ALLOCATION}`, CHECK, 'allocation_counters'],
  [
    'holding a unit twice',
    "insert into allocated_unit select sku, unit_id, gen_random_uuid(), 1, 'W2', true from allocated_unit",
    UNIQUE,
    'allocated_unit_held_once',
  ],
  ['two live reservations of one exchange', copyOf(LIVE, "'version', 1"), UNIQUE, 'reservation_live_exchange'],
  [
    'two reservations with one tracking id',
    copyOf(OVER, "'tracking_id', r.tracking_id"),
    UNIQUE,
    'reservation_tracking_id_key',
  ],
  [
    'the same request id twice',
    `insert into request_claim (principal, method, request_id, content_hash)
     select principal, method, request_id, '\\x00' from request_claim where request_id = 'once'`,
    UNIQUE,
    'request_claim_pkey',
  ],
  [
    'exchanging more than was bought',
    'update order_line set purchased = 1 where exchanged = 3',
    CHECK,
    'order_line_bound',
  ],
  [
    'reviving a resolved reservation',
    `update reservation set state = 'RESERVED', resolve_time = null, release_reason = null, version = version + 1 ${OVER}`,
    RAISED,
    /is resolved and never changes again/,
  ],
  [
    'changing a resolved reservation',
    `update reservation set version = version + 1 ${OVER}`,
    RAISED,
    /is resolved and never changes again/,
  ],
  ['changing without a version', `update reservation set priority = 1 ${LIVE}`, RAISED, /must rise above version 1/],
  [
    'another exchange',
    `update reservation set exchange_id = 'x', version = version + 1 ${LIVE}`,
    RAISED,
    /keeps its identity/,
  ],
  [
    'resolving without a time',
    `update reservation set state = 'RELEASED', version = version + 1 ${LIVE}`,
    CHECK,
    'reservation_resolved',
  ],
  ['deleting a reservation', `delete from reservation ${LIVE}`, RAISED, /append-only: DELETE of reservation/],
  [
    'two events of one version',
    'insert into audit_event select * from audit_event limit 1',
    UNIQUE,
    'audit_event_pkey',
  ],
  ['changing an audit event', "update audit_event set actor = 'x'", RAISED, /append-only: UPDATE of audit_event/],
  ['deleting an audit event', 'delete from audit_event', RAISED, /append-only: DELETE of audit_event/],
  ['emptying the audit events', 'truncate audit_event', RAISED, /append-only: TRUNCATE of audit_event/],
  ['changing a movement', 'update stock_movement set on_hand_delta = 0', RAISED, /append-only: UPDATE of stock_mov/],
  ['deleting a movement', 'delete from stock_movement', RAISED, /append-only: DELETE of stock_movement/],
  ['emptying the reservations', 'truncate reservation', RAISED, /append-only: TRUNCATE of reservation/],
  ['emptying the allocations', 'truncate allocation', RAISED, /append-only: TRUNCATE of allocation/],
  ['deleting an allocation', 'delete from allocation', RAISED, /append-only: DELETE of allocation/],
  [
    'two messages for one transition',
    `insert into outbox (topic, key, warehouse, version, traceparent)
       select topic, key, warehouse, version, '' from outbox where topic = 'reservation'`,
    UNIQUE,
    'outbox_once_per_transition',
  ],
  ['changing a rule version', "update rule_version set reason = 'x'", RAISED, /append-only: UPDATE of rule_version/],
  ['deleting a rule version', 'delete from rule_version', RAISED, /append-only: DELETE of rule_version/],
  ['emptying the rule versions', 'truncate rule_version', RAISED, /append-only: TRUNCATE of rule_version/],
  ['emptying the movements', 'truncate stock_movement', RAISED, /append-only: TRUNCATE of stock_movement/],
];

test.each(REFUSED)('PostgreSQL refuses %s', async (_, statement, state, constraint) => {
  const error = await sql.query(statement).then(
    () => null,
    (cause: pg.DatabaseError) => cause,
  );
  const said = typeof constraint === 'string' ? error?.constraint : error?.message;
  expect(error?.code).toBe(state);
  expect(said).toEqual(typeof constraint === 'string' ? constraint : expect.stringMatching(constraint));
});

test('PostgreSQL accepts less than is promised where the shortage says so', async () => {
  await sql.query('begin');
  const counted = await sql.query(`update stock_pool set on_hand = 2, shortage = 1 ${POOL}`);
  await sql.query('rollback');
  expect(counted.rowCount).toBe(1);
});
