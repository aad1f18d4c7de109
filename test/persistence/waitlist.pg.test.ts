import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { QUEUE_LOOKED_AT_MAX } from '../../src/persistence/waitlist-rows.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { promoteQueues } from '../../src/use-cases/promote-queues.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock, putItems, receiveStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { saidBy } from '../support/deciding.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
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

const ON_HAND = 2;

let database: TestDatabase;
let one: TestService;
let two: TestService;
let newestRules = 1;

beforeAll(async () => {
  database = await createTestDatabase('waitlist');
});

beforeEach(async () => {
  one = await openTestService(database.url);
  two = await openTestService(database.url);
});

afterEach(async () => {
  expect((await createLedgerAuditor(one.database.pool).verify()).drifts).toEqual([]);
  await Promise.all([one.close(), two.close()]);
});

afterAll(() => database.drop());

/** A SKU of a test's own, with {@link ON_HAND} in W1 and in W2. */
async function ownSku(): Promise<string> {
  const sku = `sku-${randomUUID()}`;
  await stockUp(one, [sku], ON_HAND);
  return sku;
}

type InputChanges = Parameters<typeof reserveInput>[1];

async function reserved(sku: string, quantity: number, more: InputChanges = {}): Promise<Reservation> {
  return madeReservation(await reserveOne(one, reserveInput([{ sku, quantity }], more)));
}

/** All there is of a SKU, held by one reservation. */
const allOf = (sku: string) => reserved(sku, 2 * ON_HAND);

const waiter = (sku: string, quantity = 1, more: InputChanges = {}) =>
  reserved(sku, quantity, { waitlist: true, ...more });

function about({ reservationId }: Reservation) {
  const target = { by: 'reservation' as const, id: reservationId };
  return { requestId: randomUUID(), contentHash: CONTENT_HASH, target, etag: '' };
}

const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH, reason: 'test' });

const release = (service: TestService, held: Reservation) =>
  releaseReservation(service, { ...about(held), reason: 'CANCELLED', note: '' }, CALL);

const receive = (service: TestService, sku: string, units: number, warehouse = 'W1') =>
  receiveStock(service, { ...key(), receipts: [{ sku, warehouse, delta: { onHand: units } }] }, CALL);

interface Row {
  readonly state: string;
  readonly version: number;
  readonly xid: string;
  readonly kind: string;
  readonly hours: number;
}

/** The reservation as stored, what its last event is, and how long it still has. */
async function rowOf({ reservationId }: Reservation): Promise<Row> {
  const { rows } = await one.database.pool.query<Row>(
    `select r.state, r.version, r.xmin::text as xid, e.kind,
        round(extract(epoch from r.expire_time - ledger_now()) / 3600)::int as hours
      from reservation r join audit_event e using (reservation_id, version) where r.reservation_id = $1`,
    [reservationId],
  );
  return rows[0] as Row;
}

const stateOf = async (reservation: Reservation) => (await rowOf(reservation)).state;

const statesOf = (reservations: readonly Reservation[]) => Promise.all(reservations.map(stateOf));

async function poolOf(sku: string, warehouse = 'W1') {
  const { rows } = await one.database.pool.query<{ on_hand: number; reserved: number; xid: string }>(
    'select on_hand, reserved, xmin::text as xid from stock_pool where sku = $1 and warehouse = $2',
    [sku, warehouse],
  );
  return rows[0];
}

const PLAIN_LINE = { orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };

const countOf = (sku: string, onHand: number) => ({
  sku,
  warehouse: 'W1',
  onHand,
  unavailable: null,
  committed: null,
  expectedOnHand: null,
  countedAt: null,
  netOfReserved: false,
});

async function putItem(sku: string): Promise<void> {
  const item = { itemId: one.ids.uuid(), sku, name: sku, tracking: 'QUANTITY' as const, product: '', attributes: {} };
  const outcome = await putItems(one, { ...key(), items: [{ ...item, equivalentSkus: [], retired: false }] }, CALL);
  expect(outcome.ok).toBe(true);
}

describe('R19: a reservation that waits', () => {
  test('holds what there is, queues for the rest, and has its own window', async () => {
    const sku = await ownSku();
    const waits = await waiter(sku, 6, { holdWindowMs: 3 * DAY_MS });
    expect(waits).toMatchObject({ state: 'WAITLISTED', lines: [{ quantity: 6, waiting: { units: 2 } }] });
    expect(await rowOf(waits)).toMatchObject({ kind: 'waitlisted', version: 1, hours: 30 * 24 });
    await receive(two, sku, 2);
    expect(await rowOf(waits)).toMatchObject({ state: 'RESERVED', kind: 'reserved', version: 2, hours: 3 * 24 });
  });

  test('may hold nothing at all, also of an item that no warehouse has yet', async () => {
    const sku = `sku-${randomUUID()}`;
    await putItem(sku);
    const waits = await waiter(sku);
    expect(await stateOf(waits)).toBe('WAITLISTED');
    await receive(two, sku, 1, 'W2');
    expect(await stateOf(waits)).toBe('RESERVED');
  });

  test('is told that it holds all where nothing has to wait', async () => {
    expect(await waiter(await ownSku(), 2)).toMatchObject({ state: 'RESERVED', version: 1 });
  });

  test('waits as long as the rules say', async () => {
    const sku = await ownSku();
    await allOf(sku);
    const version = Number(madeVersion(await putDraft(one, newestRules, { waitlistWindowMs: 2 * DAY_MS })));
    expect(await rowOf(await waiter(sku))).toMatchObject({ hours: 48 });
    newestRules = Number(madeVersion(await putDraft(one, version, { waitlistWindowMs: 30 * DAY_MS })));
  });

  test('counts against what was bought, so that nobody else is promised the same exchange', async () => {
    const sku = await ownSku();
    await allOf(sku);
    const line = { sku, quantity: 1, orderLineId: 'l', returnedSku: '', warehouse: '', purchasedQuantity: 1 };
    const orderId = `order-${randomUUID()}`;
    const waits = await waiter(sku, 1, { orderId, lines: [line] });
    const again = reserveInput([], { orderId, lines: [line], waitlist: true });
    expect(saidBy(await reserveOne(two, again))).toBe('ORDER_LINE_EXHAUSTED');
    await release(one, waits);
    expect(saidBy(await reserveOne(two, again))).toBe('WAITLISTED');
  });

  test('is released, fulfilled and ended by a milestone like any other', async () => {
    const sku = await ownSku();
    const waits = await waiter(sku, 6);
    expect(saidBy(await fulfilReservation(one, { ...about(waits), lines: [], close: false }, CALL))).toBe('WAITLISTED');
    const milestone = { milestone: 'COMPLETED' as const, occurredAt: null, note: '' };
    const ended = await reportMilestone(one, { ...about(waits), ...milestone }, CALL);
    expect(ended).toMatchObject({ ok: true, answer: { reservation: { state: 'FULFILLED' } } });
    const other = await waiter(sku, 2);
    expect(saidBy(await release(two, other))).toBe('RELEASED');
    await receive(two, sku, 2);
    expect(await poolOf(sku)).toMatchObject({ on_hand: 2, reserved: 0 });
  });
});

describe('R19: in the commit that frees or receives units, they go to the queue', () => {
  /** What frees one unit of the SKU, of which all are held by `holder`. */
  const causes: [string, (sku: string, holder: Reservation) => Promise<unknown>][] = [
    ['a release', (_, holder) => release(two, holder)],
    ['a receipt', (sku) => receive(two, sku, 1)],
    [
      'an adjustment',
      (sku) => adjustStock(two, { ...key(), adjustments: [{ sku, warehouse: 'W2', delta: { onHand: 1 } }] }, CALL),
    ],
    ['a count', (sku) => countStock(two, { ...key(), counts: [countOf(sku, ON_HAND + 1)] }, CALL)],
    [
      'a fulfilment that is closed short',
      (_, holder) =>
        fulfilReservation(two, { ...about(holder), lines: [{ lineNumber: 1, quantity: 1 }], close: true }, CALL),
    ],
    [
      'a swap',
      async (_, holder) => {
        const lines = [{ ...PLAIN_LINE, sku: await ownSku(), quantity: 1 }];
        return await swapReservation(two, { ...about(holder), lines, partial: false }, CALL);
      },
    ],
  ];
  test.each(causes)('%s', async (_, cause) => {
    const sku = await ownSku();
    const holder = await allOf(sku);
    const waits = await waiter(sku);
    await cause(sku, holder);
    const row = await rowOf(waits);
    expect(row).toMatchObject({ state: 'RESERVED', version: 2, kind: 'reserved' });
    expect([(await poolOf(sku))?.xid, (await poolOf(sku, 'W2'))?.xid]).toContain(row.xid);
  });

  test('a transfer', async () => {
    const sku = await ownSku();
    const moved = await reserved(sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    await reserved(sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    const waits = await waiter(sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    expect(await stateOf(waits)).toBe('WAITLISTED');
    await transferReservation(two, { ...about(moved), toWarehouse: 'W2', lines: [] }, CALL);
    expect(await stateOf(waits)).toBe('RESERVED');
  });

  test('an expiry, in the unit that finds it, before anybody new', async () => {
    const sku = await ownSku();
    await reserved(sku, 2 * ON_HAND, { holdWindowMs: 1_000 });
    const waits = await waiter(sku);
    await pause(1_050);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku, quantity: 2 * ON_HAND }])))).toBe('NO_STOCK');
    await reserved(sku, 2 * ON_HAND - 1);
    expect(await stateOf(waits)).toBe('RESERVED');
  });
});

describe('R19: the queue', () => {
  test('is served in order, each freed unit once, and a newcomer gets only what nobody in it can use whole', async () => {
    const sku = await ownSku();
    await allOf(sku);
    const large = await waiter(sku, 3);
    const urgent = await waiter(sku, 1, { priority: 1 });
    const young = await waiter(sku, 1);
    await receive(one, sku, 1);
    expect(await statesOf([large, urgent, young])).toEqual(['WAITLISTED', 'RESERVED', 'WAITLISTED']);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }])))).toBe('NO_STOCK');
    await receive(one, sku, 3);
    expect(await statesOf([large, urgent, young])).toEqual(['RESERVED', 'RESERVED', 'WAITLISTED']);
    await release(two, large);
    expect(await stateOf(young)).toBe('RESERVED');
    await reserved(sku, 2);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }])))).toBe('NO_STOCK');
  });

  test('is never served while the pool is short', async () => {
    const sku = await ownSku();
    const holder = await reserved(sku, 2, { lines: [{ ...PLAIN_LINE, sku, quantity: 2, warehouse: 'W1' }] });
    const waits = await waiter(sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    await countStock(two, { ...key(), counts: [countOf(sku, 0)] }, CALL);
    await receive(two, sku, 2);
    expect(await stateOf(waits)).toBe('WAITLISTED');
    await countStock(two, { ...key(), counts: [countOf(sku, 1)] }, CALL);
    await release(two, holder);
    expect(await stateOf(waits)).toBe('RESERVED');
  });

  test('does not serve what has expired meanwhile', async () => {
    const sku = await ownSku();
    await allOf(sku);
    const version = Number(madeVersion(await putDraft(one, newestRules, { waitlistWindowMs: 1 })));
    const gone = await waiter(sku, 1, { priority: 9 });
    newestRules = Number(madeVersion(await putDraft(one, version, { waitlistWindowMs: 30 * DAY_MS })));
    const here = await waiter(sku);
    await pause(10);
    await receive(two, sku, 1);
    expect(await stateOf(here)).toBe('RESERVED');
    await expireDue(two, [gone.reservationId], AbortSignal.timeout(5_000));
    expect(await statesOf([gone, here])).toEqual(['EXPIRED', 'RESERVED']);
  });

  test('longer than one unit looks at is served to its end by the units that follow', async () => {
    const sku = await ownSku();
    await allOf(sku);
    const count = QUEUE_LOOKED_AT_MAX + 20;
    const inputs = Array.from({ length: count }, () => reserveInput([{ sku }], { waitlist: true }));
    const waits = (await reserve(one, inputs, CALL)).map(madeReservation);
    await receive(two, sku, count);
    const served = (states: string[]) => states.filter((state) => state === 'RESERVED').length;
    expect(served(await statesOf(waits))).toBe(QUEUE_LOOKED_AT_MAX);
    expect(await promoteQueues(two, [sku], AbortSignal.timeout(5_000))).toBe(20);
    expect(served(await statesOf(waits))).toBe(count);
  });
});
