import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StockCount } from '../../src/domain/counting.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { createNotifications } from '../../src/persistence/notifications.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { createShortages } from '../../src/persistence/shortages.ts';
import type { Shortage, ShortageFilter } from '../../src/ports/shortages.ts';
import { toReservation } from '../../src/transport/reservation-mapping.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock, receiveStock } from '../../src/use-cases/stock.ts';
import { applyWarehouseMessage, type PickEvent } from '../../src/use-cases/warehouse-message.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const NOW = Date.UTC(2030, 0, 1);
const NEVER = new AbortController().signal;
const NO_FILTER: ShortageFilter = { skus: [], warehouses: [], includeClosed: false };
const NO_NOTICES = { kinds: [], trackingId: '', exchangeId: '', includeAcknowledged: true };

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('shortages', ['A', 'B', 'C'], 10);
  ({ one, two } = services);
  await services.setClock(NOW);
});

afterEach(() => services.close());

const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });

async function reserved(quantity: number, more = {}, sku = 'A'): Promise<Reservation> {
  const input = reserveInput([{ sku, quantity, orderLineId: '' }], more);
  const lines = input.lines.map((line) => ({ ...line, warehouse: 'W1' }));
  return madeReservation(await reserveOne(one, { ...input, lines }));
}

async function count(onHand: number, more: Partial<StockCount> = {}, service = one) {
  const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null, netOfReserved: false };
  const counts = [{ sku: 'A', warehouse: 'W1', onHand, ...plain, ...more }];
  const outcome = await countStock(service, { ...key(), reason: 'count', counts }, CALL);
  expect(outcome.ok).toBe(true);
}

const release = (service: TestService, { reservationId }: Reservation) =>
  releaseReservation(
    service,
    { ...key(), target: { by: 'reservation', id: reservationId }, etag: '', reason: 'CANCELLED', note: '' },
    CALL,
  );

const receive = (onHand: number) =>
  receiveStock(
    one,
    { ...key(), reason: 'delivery', receipts: [{ sku: 'A', warehouse: 'W1', delta: { onHand } }] },
    CALL,
  );

function tell({ trackingId }: Reservation, event: PickEvent, quantity = 0) {
  const lines = quantity === 0 ? [] : [{ lineNumber: 1, sku: 'A', quantity }];
  const facts = { wms: 'sim', messageId: randomUUID(), contentHash: CONTENT_HASH, warehouse: 'W1', occurredAt: NOW };
  return applyWarehouseMessage(one, { ...facts, trace: null, event, trackingId, lines, code: '' }, NEVER);
}

async function shortages(filter: Partial<ShortageFilter> = {}): Promise<Shortage[]> {
  const rows: Shortage[] = [];
  let token = '';
  do {
    const page = await createShortages(one.database.pool).list({ ...NO_FILTER, ...filter }, { size: 2, token });
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '');
  return rows;
}

/** Units each reservation lacks by the only open shortage, in the order it tells them. */
async function victims(...named: Reservation[]): Promise<[number, number][]> {
  const [shortage, ...others] = await shortages();
  expect(others).toEqual([]);
  return (shortage?.victims ?? []).map(({ trackingId, quantity }) => [
    named.findIndex((one) => one.trackingId === trackingId),
    quantity,
  ]);
}

const now = async ({ reservationId }: Reservation): Promise<Reservation> => {
  const found = await createReservationReader(one.database.pool).find({ by: 'reservation', id: reservationId });
  if (found === null) throw new TypeError('no such reservation');
  return found;
};

const shortOf = async (reservation: Reservation) => toReservation(await now(reservation)).lines[0]?.shortQuantity;

async function told(kind: string): Promise<string[]> {
  const page = await createNotifications(one.database.pool).list(NO_NOTICES, { size: 500, token: '' });
  return page.rows.filter((row) => row.kind === kind).map((row) => row.trackingId);
}

describe('R15: a count below what is reserved', () => {
  test('is accepted and names the lowest priority, then the newest, in the same commit', async () => {
    const [first, second, precious, last] = [
      await reserved(2),
      await reserved(3),
      await reserved(1, { priority: 5 }),
      await reserved(2),
    ];
    await count(4);
    const [shortage] = await shortages();
    expect(shortage).toMatchObject({
      sku: 'A',
      warehouse: 'W1',
      quantity: 4,
      unnamed: 0,
      closedAt: null,
      openedAt: NOW,
    });
    expect(await victims(first, second, precious, last)).toEqual([
      [3, 2],
      [1, 2],
    ]);
    expect(await Promise.all([first, second, precious, last].map(shortOf))).toEqual([0, 2, 0, 2]);
    const events = await one.database.pool.query(
      "select kind, version from audit_event where reservation_id = $1 and kind = 'short'",
      [last.reservationId],
    );
    expect(events.rows).toEqual([{ kind: 'short', version: 2 }]);
    expect((await told('SHORTAGE')).sort()).toEqual([second.trackingId, last.trackingId].sort());
  });

  test('closes by itself when stock recovers, and who lost last gets first', async () => {
    const [first, second] = [await reserved(5), await reserved(5)];
    await count(3);
    expect(await victims(first, second)).toEqual([
      [1, 5],
      [0, 2],
    ]);
    await receive(3);
    expect(await victims(first, second)).toEqual([[1, 4]]);
    await services.setClock(NOW + 1_000);
    await count(10, {}, two);
    expect(await shortages()).toEqual([]);
    expect(await Promise.all([first, second].map(shortOf))).toEqual([0, 0]);
    const [closed] = await shortages({ includeClosed: true });
    expect(closed).toMatchObject({ quantity: 7, openedAt: NOW, closedAt: NOW + 1_000, unnamed: 0 });
    expect(closed?.victims.map(({ quantity }) => quantity)).toEqual([5, 2]);
    expect(await told('SHORTAGE')).toHaveLength(2);
  });

  test('tells of a shortage that comes again as a new one, and people only once', async () => {
    const only = await reserved(5);
    for (const onHand of [4, 5, 2, 9]) await count(onHand);
    expect((await shortages({ includeClosed: true })).map(({ quantity }) => quantity)).toEqual([3, 1]);
    expect(await told('SHORTAGE')).toEqual([only.trackingId]);
    expect((await now(only)).version).toBe(5);
  });

  test('is cured by a release of somebody else, and the victims are chosen anew where one ends', async () => {
    const [first, second, third] = [await reserved(3), await reserved(3), await reserved(3)];
    await count(5);
    expect(await victims(first, second, third)).toEqual([
      [2, 3],
      [1, 1],
    ]);
    await release(two, third);
    expect(await victims(first, second)).toEqual([[1, 1]]);
    await release(two, first);
    expect(await shortages()).toEqual([]);
    expect(await shortOf(second)).toBe(0);
  });

  test('names another one where the victim is served with what is there', async () => {
    const [first, second] = [await reserved(3), await reserved(3)];
    await count(4);
    expect(await victims(first, second)).toEqual([[1, 2]]);
    const target = { by: 'reservation' as const, id: second.reservationId };
    await fulfilReservation(one, { ...key(), target, lines: [], close: false }, CALL);
    expect(await victims(first)).toEqual([[0, 2]]);
  });

  test('leaves what pickers have in hand alone as long as anything else is there', async () => {
    const [waiting, ready] = [await reserved(3), await reserved(3)];
    await tell(ready, 'pick-confirmed');
    await count(4);
    expect(await victims(waiting, ready)).toEqual([[0, 2]]);
    await count(1);
    expect(await victims(waiting, ready)).toEqual([
      [1, 2],
      [0, 3],
    ]);
    expect((await now(ready)).state).toBe('PREPARING');
  });

  test('counts what falls due as free, not as missing', async () => {
    const [lasting, ending] = [await reserved(3), await reserved(4, { holdWindowMs: 60_000 })];
    await count(5);
    expect(await victims(lasting, ending)).toEqual([[1, 2]]);
    await services.setClock(NOW + 60_000);
    expect(await shortages()).toEqual([]);
    expect((await createLedgerAuditor(one.database.pool).verify()).drifts).toEqual([]);
    await count(4);
    expect((await now(ending)).state).toBe('EXPIRED');
    expect(await shortages({ includeClosed: true })).toMatchObject([{ quantity: 2, closedAt: NOW + 60_000 }]);
  });
});

describe('R15: the same holds for', () => {
  test('damage, where nothing left the warehouse', async () => {
    const only = await reserved(8);
    const adjustments = [{ sku: 'A', warehouse: 'W1', delta: { unavailable: 3 } }];
    await adjustStock(one, { ...key(), reason: 'damage', adjustments }, CALL);
    expect(await victims(only)).toEqual([[0, 1]]);
  });

  test('more that is unavailable than is on hand: nobody lacks what he does not hold', async () => {
    const only = await reserved(2);
    await count(0, { unavailable: 3 });
    expect(await shortages()).toMatchObject([{ quantity: 5, unnamed: 0, victims: [{ quantity: 2 }] }]);
    await count(2, { unavailable: 0 });
    expect(await shortOf(only)).toBe(0);
  });

  test('a short pick: whom the picker stood for lacks the units, and no count is lowered twice', async () => {
    const [first, second] = [await reserved(5), await reserved(5)];
    await tell(first, 'pick-shorted', 2);
    expect(await victims(first, second)).toEqual([[0, 2]]);
    await count(8);
    expect(await victims(first, second)).toEqual([[0, 2]]);
    await count(6);
    expect(await victims(first, second)).toEqual([
      [1, 2],
      [0, 2],
    ]);
    // The picker finds out what the count has told already.
    await tell(second, 'pick-shorted', 2);
    const pool = await one.database.pool.query(
      "select on_hand, reserved from stock_pool where sku = 'A' and warehouse = 'W1'",
    );
    expect(pool.rows).toEqual([{ on_hand: 6, reserved: 10 }]);
    expect(await Promise.all([first, second].map(shortOf))).toEqual([2, 2]);
  });

  test('several pools of one count, each with its own record', async () => {
    const made = [await reserved(4), await reserved(4, {}, 'B'), await reserved(4, {}, 'C')];
    const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null, netOfReserved: false };
    const counts = ['A', 'B', 'C'].map((sku, at) => ({ sku, warehouse: 'W1', onHand: at + 1, ...plain }));
    await countStock(one, { ...key(), reason: 'count', counts }, CALL);
    const found = await shortages();
    expect(found.map(({ sku, quantity }) => [sku, quantity]).sort()).toEqual([
      ['A', 3],
      ['B', 2],
      ['C', 1],
    ]);
    expect(await shortages({ skus: ['B', 'C'] })).toHaveLength(2);
    expect(await shortages({ skus: ['A'], warehouses: ['W2'] })).toEqual([]);
    expect(await shortages({ skus: ['A'] })).toMatchObject([{ victims: [{ trackingId: made[0]?.trackingId }] }]);
  });
});

describe('R15: the database', () => {
  test('has one open shortage of a pool, and none that is closed and missing units', async () => {
    await reserved(5);
    await count(4);
    const again = `insert into shortage (shortage_id, sku, warehouse, quantity, most, open_time)
      select gen_random_uuid(), sku, warehouse, 1, 1, open_time from shortage`;
    await expect(one.database.pool.query(again)).rejects.toMatchObject({ constraint: 'shortage_open_once' });
    const closed = 'update shortage set close_time = open_time';
    await expect(one.database.pool.query(closed)).rejects.toMatchObject({ constraint: 'shortage_closed' });
    const more = 'update allocation set missing = 9 where missing > 0';
    await expect(one.database.pool.query(more)).rejects.toMatchObject({ constraint: 'allocation_counters' });
  });
});
