import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIFTS_MAX } from '../../src/persistence/ledger/drift-list.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Drift } from '../../src/ports/ledger-auditor.ts';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { openTestService } from '../support/test-service.ts';

let ledger: PlantedLedger;

beforeAll(async () => {
  ledger = await openPlantedLedger();
});

afterAll(() => ledger.close());

const id = (at: number): string => ledger.made[at]?.reservationId ?? '';
const tracking = (at: number): string => ledger.made[at]?.trackingId ?? '';

describe('R3: a ledger nobody touched', () => {
  test.each([1, 2, 500])('has no drift and counts everything, in chunks of %i', async (chunkSize) => {
    const report = await createLedgerAuditor(ledger.service.database.pool, { chunkSize }).verify();
    const counts = { reservationsChecked: 3, poolsChecked: 4, eventsChecked: 5, eventsUncovered: 5 };
    expect(report).toEqual({ ...counts, checkpoint: null, drifts: [] });
  });

  test('has none either before the first row', async () => {
    const empty = await createTestDatabase('empty');
    const other = await openTestService(empty.url);
    const report = await createLedgerAuditor(other.database.pool).verify();
    const counts = { reservationsChecked: 0, poolsChecked: 0, eventsChecked: 0, eventsUncovered: 0 };
    expect(report).toEqual({ ...counts, checkpoint: null, drifts: [] });
    await other.close();
    await empty.drop();
  });

  test('is read between snapshots until the caller goes away', async () => {
    const reason = new Error('gone');
    const auditor = createLedgerAuditor(ledger.service.database.pool);
    await expect(auditor.verify({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const begun = auditor.verify({ signal: controller.signal });
    controller.abort(reason);
    await expect(begun).rejects.toBe(reason);
    expect(ledger.service.database.pool.idleCount).toBe(ledger.service.database.pool.totalCount);
  });
});

describe('R3: a drift of 1 is found and named', () => {
  test('RESERVED_COUNTER: a pool reserves more than its lines', async () => {
    const drifts = await ledger.plant([
      "update stock_pool set reserved = reserved + 1 where sku = 'A' and warehouse = 'W1'",
    ]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'RESERVED_COUNTER', sku: 'A', warehouse: 'W1', expected: 3, actual: 4 }),
    ]);
  });

  test('RESERVED_COUNTER and ON_HAND_COUNTER: lines and movements of a pool that is gone', async () => {
    const drifts = await ledger.plant(["delete from stock_pool where sku = 'A' and warehouse = 'W1'"]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'ON_HAND_COUNTER', sku: 'A', warehouse: 'W1', expected: 50, actual: 0 }),
      expect.objectContaining({ kind: 'RESERVED_COUNTER', sku: 'A', warehouse: 'W1', expected: 3, actual: 0 }),
    ]);
  });

  test.each(['on_hand', 'unavailable', 'committed'])('ON_HAND_COUNTER: %s is not what moved', async (counter) => {
    const drifts = await ledger.plant([
      `update stock_pool set ${counter} = ${counter} + 1 where sku = 'B' and warehouse = 'W2'`,
    ]);
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'ON_HAND_COUNTER', sku: 'B', warehouse: 'W2', detail: counter }),
    ]);
    expect(drifts[0]).toSatisfy((drift: Drift) => drift.actual - drift.expected === 1);
  });

  test('SHORTAGE: an open shortage that is none', async () => {
    const drifts = await ledger.without('stock_pool', 'stock_pool_promise', () =>
      ledger.plant(["update stock_pool set shortage = 1 where sku = 'A' and warehouse = 'W2'"]),
    );
    expect(drifts).toEqual([
      expect.objectContaining({ kind: 'SHORTAGE', sku: 'A', warehouse: 'W2', expected: 0, actual: 1 }),
    ]);
  });

  test('RESERVED_COUNTER: what sales hold is not what their lines do', async () => {
    const drifts = await ledger.plant([
      "update stock_pool set sale_reserved = sale_reserved + 1 where sku = 'A' and warehouse = 'W1'",
    ]);
    const counter = { kind: 'RESERVED_COUNTER', detail: 'sale_reserved', expected: 0, actual: 1 };
    expect(drifts).toEqual([expect.objectContaining({ ...counter, sku: 'A', warehouse: 'W1' })]);
    const sold = await ledger.plant(["update reservation set channel = 'SALE' where reservation_id = $1"], [id(0)]);
    expect(sold).toContainEqual(expect.objectContaining({ ...counter, expected: 3, actual: 0 }));
  });

  test.each(['safety_stock', 'low_threshold'])('SAFETY_STOCK: %s is not what the rules say', async (column) => {
    const drifts = await ledger.plant([`update stock_pool set ${column} = 1 where sku = 'A' and warehouse = 'W1'`]);
    const place = { sku: 'A', warehouse: 'W1', detail: `${column} by version 1 of the rules` };
    expect(drifts).toEqual([expect.objectContaining({ kind: 'SAFETY_STOCK', ...place, expected: 0, actual: 1 })]);
  });

  test('SAFETY_STOCK: a pool follows rules that nobody made', async () => {
    const drifts = await ledger.plant(["update stock_pool set rule_version = 9 where sku = 'B' and warehouse = 'W2'"]);
    expect(drifts).toEqual([expect.objectContaining({ kind: 'SAFETY_STOCK', sku: 'B', warehouse: 'W2' })]);
  });

  test('EXCHANGE_MINIMUM: it is not shared out as the rules say', async () => {
    const drifts = await ledger.plant([
      "update stock_pool set exchange_minimum = 2 where sku = 'A' and warehouse = 'W2'",
    ]);
    const place = { sku: 'A', warehouse: 'W2', expected: 0, actual: 2 };
    expect(drifts).toEqual([expect.objectContaining({ kind: 'EXCHANGE_MINIMUM', ...place })]);
  });

  test('ALLOCATION: a line holds another number than its audit event says', async () => {
    const drifts = await ledger.plant(
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
    const drifts = await ledger.plant(['delete from allocation where reservation_id = $1'], [id(2)]);
    expect(drifts).toEqual([expect.objectContaining({ kind: 'ALLOCATION', sku: 'A', trackingId: tracking(2) })]);
  });

  test('STATE: a deadline nobody decided', async () => {
    const drifts = await ledger.plant(
      ["update reservation set expire_time = expire_time + interval '1 ms' where reservation_id = $1"],
      [id(0)],
    );
    expect(drifts).toEqual([expect.objectContaining({ kind: 'STATE', trackingId: tracking(0) })]);
    expect(drifts[0]?.detail).toContain('expire_time');
    expect(drifts[0]?.eventId).not.toBe('');
  });

  test('STATE: a reservation that is gone', async () => {
    const drifts = await ledger.plant(['delete from reservation where reservation_id = $1'], [id(0)]);
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'STATE', trackingId: tracking(0), actual: 0 }));
  });

  test('CONSERVATION: a unit appeared from nowhere', async () => {
    const drifts = await ledger.without('allocation', 'allocation_conserved', () =>
      ledger.plant(['update allocation set quantity = quantity - 1 where reservation_id = $1'], [id(1)]),
    );
    const place = { sku: 'B', warehouse: 'W1', trackingId: tracking(1) };
    expect(drifts).toEqual([expect.objectContaining({ kind: 'CONSERVATION', ...place, expected: 2, actual: 3 })]);
  });

  test.each([
    ['"reserved":3', '"reserved":4', { expected: 3, actual: 4 }],
    ['"released":0', '"released":4', { expected: 4, actual: 3 }],
  ])('CONSERVATION: an audit event that tells %s as %s', async (text, other, numbers) => {
    const drifts = await ledger.plant(
      [
        `update audit_event set body = convert_to(replace(convert_from(body, 'UTF8'), '${text}', '${other}'), 'UTF8')
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
    const drifts = await ledger.plant(
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
    const drifts = await ledger.plant(['delete from audit_event where reservation_id = $1 and version = 1'], [id(1)]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'VERSION_GAP', trackingId: tracking(1), expected: 1, actual: 2 }),
    );
  });

  test('VERSION_GAP: the last event is gone', async () => {
    const drifts = await ledger.plant(['delete from audit_event where reservation_id = $1 and version = 2'], [id(1)]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'VERSION_GAP', trackingId: tracking(1), expected: 2, actual: 1 }),
    );
  });

  test('TRANSITION: an event after the end', async () => {
    const drifts = await ledger.plant(
      [
        `insert into audit_event select (jsonb_populate_record(e, jsonb_build_object('version', 3,
           'event_id', gen_random_uuid()))).* from audit_event e
         where reservation_id = $1 and version = 2`,
      ],
      [id(2)],
    );
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'TRANSITION', trackingId: tracking(2) }));
  });

  test('OUTBOX: an event without its message, one with two, a message without its event', async () => {
    const missing = await ledger.plant(["delete from outbox where topic = 'reservation' and key = $1"], [id(0)]);
    expect(missing).toEqual([
      expect.objectContaining({ kind: 'OUTBOX', trackingId: tracking(0), expected: 1, actual: 0 }),
    ]);
    const twice = await ledger.plant(
      [
        'drop index outbox_once_per_transition',
        `insert into outbox (topic, key, warehouse, version, traceparent) select topic, key, warehouse, version, ''
         from outbox where topic = 'reservation' and key = $1`,
      ],
      [id(0)],
    );
    expect(twice).toEqual([
      expect.objectContaining({ kind: 'OUTBOX', trackingId: tracking(0), expected: 1, actual: 2 }),
    ]);
    const phantom = await ledger.plant([
      "insert into outbox (topic, key, warehouse, version, traceparent) values ('reservation', 'nobody', '', 1, '')",
    ]);
    expect(phantom).toEqual([expect.objectContaining({ kind: 'OUTBOX', expected: 0, actual: 1 })]);
  });

  test('OUTBOX: a message gone after the time it is kept is none', async () => {
    const drifts = await ledger.plant(
      [
        "delete from outbox where topic = 'reservation' and key = $1",
        "update audit_event set create_time = create_time - interval '8 days' where reservation_id = $1",
      ],
      [id(0)],
    );
    expect(drifts.map((drift) => drift.kind)).toEqual(['EVENT_COLUMN']);
  });

  test('UNIT: more units held than reserved, and one held twice', async () => {
    const insert = `insert into allocated_unit (sku, unit_id, reservation_id, line_number, warehouse, held)
      values ('A', 'U1', $1, 1, 'W1', true)`;
    const resolved = await ledger.plant([insert], [id(2)]);
    expect(resolved).toContainEqual(
      expect.objectContaining({ kind: 'UNIT', sku: 'A', warehouse: 'W1', trackingId: tracking(2), actual: 1 }),
    );
    expect(new Set(resolved.map((drift) => drift.kind))).toEqual(new Set(['UNIT']));
    const twice = await ledger.withoutIndex('allocated_unit_held_once', () =>
      ledger.plant([insert, insert.replace('$1, 1,', '$1, 2,')], [id(0)]),
    );
    expect(twice).toContainEqual(expect.objectContaining({ kind: 'UNIT', sku: 'A', expected: 1, actual: 2 }));
  });

  test('ORDER_LINE: exchanged more than the reservations of it', async () => {
    const drifts = await ledger.plant(
      ['update order_line set exchanged = exchanged + 1 where order_id = $1'],
      [ledger.made[1]?.orderId],
    );
    expect(drifts).toEqual([expect.objectContaining({ kind: 'ORDER_LINE', expected: 3, actual: 4 })]);
    expect(drifts[0]?.detail).toContain(ledger.made[1]?.orderId);
  });

  test('EXCHANGE: an exchange that points nowhere, and one that is gone', async () => {
    const nowhere = await ledger.plant(
      ['update exchange set reservation_id = null where exchange_id = $1'],
      [ledger.made[0]?.exchangeId],
    );
    expect(nowhere).toEqual([expect.objectContaining({ kind: 'EXCHANGE', trackingId: tracking(0) })]);
    const gone = await ledger.plant(['delete from exchange where exchange_id = $1'], [ledger.made[0]?.exchangeId]);
    expect(gone).toEqual([expect.objectContaining({ kind: 'EXCHANGE', trackingId: tracking(0) })]);
  });

  test('a report is bounded however much is wrong', async () => {
    const drifts = await ledger.plant([
      `insert into outbox (topic, key, warehouse, version, traceparent)
       select 'reservation', 'nobody', '', v, '' from generate_series(1, ${DRIFTS_MAX + 10}) v`,
    ]);
    expect(drifts).toHaveLength(DRIFTS_MAX);
  });

  test('what was planted was taken back', async () => {
    const report = await createLedgerAuditor(ledger.service.database.pool).verify();
    expect(report.drifts).toEqual([]);
  });
});
