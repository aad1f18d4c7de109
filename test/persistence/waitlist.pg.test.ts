import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { fulfilReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { saidBy } from '../support/deciding.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
import { CALL, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';
import {
  about,
  allOf,
  countOf,
  key,
  ON_HAND,
  ownSku,
  PLAIN_LINE,
  poolOf,
  putItem,
  receive,
  release,
  reserved,
  rowOf,
  stateOf,
  waiter,
} from '../support/waiting.ts';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('waitlist', ['OTHER'], 1);
  ({ one, two } = services);
});

afterEach(() => services.close());

describe('R19: a reservation that waits', () => {
  test('holds what there is, queues for the rest, and has its own window', async () => {
    const sku = await ownSku(one);
    const waits = await waiter(one, sku, 6, { holdWindowMs: 3 * DAY_MS });
    expect(waits).toMatchObject({ state: 'WAITLISTED', lines: [{ quantity: 6, waiting: { units: 2 } }] });
    expect(await rowOf(one, waits)).toMatchObject({ kind: 'waitlisted', version: 1, hours: 30 * 24 });
    await receive(two, sku, 2);
    expect(await rowOf(one, waits)).toMatchObject({ state: 'RESERVED', kind: 'reserved', version: 2, hours: 3 * 24 });
  });

  test('may hold nothing at all, also of an item that no warehouse has yet', async () => {
    const sku = `sku-${randomUUID()}`;
    await putItem(one, sku);
    const waits = await waiter(one, sku);
    expect(await stateOf(one, waits)).toBe('WAITLISTED');
    await receive(two, sku, 1, 'W2');
    expect(await stateOf(one, waits)).toBe('RESERVED');
  });

  test('is told that it holds all where nothing has to wait', async () => {
    expect(await waiter(one, await ownSku(one), 2)).toMatchObject({ state: 'RESERVED', version: 1 });
  });

  test('waits as long as the rules say', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    expect(madeVersion(await putDraft(one, 1, { waitlistWindowMs: 2 * DAY_MS }))).toBe(2);
    expect(await rowOf(one, await waiter(one, sku))).toMatchObject({ hours: 48 });
    expect(madeVersion(await putDraft(one, 2, { waitlistWindowMs: 30 * DAY_MS }))).toBe(3);
  });

  test('counts against what was bought, so that nobody else is promised the same exchange', async () => {
    const sku = await ownSku(one);
    await allOf(one, sku);
    const line = { sku, quantity: 1, orderLineId: 'l', returnedSku: '', warehouse: '', purchasedQuantity: 1 };
    const orderId = `order-${randomUUID()}`;
    const waits = await waiter(one, sku, 1, { orderId, lines: [line] });
    const again = reserveInput([], { orderId, lines: [line], waitlist: true });
    expect(saidBy(await reserveOne(two, again))).toBe('ORDER_LINE_EXHAUSTED');
    await release(one, waits);
    expect(saidBy(await reserveOne(two, again))).toBe('WAITLISTED');
  });

  test('is released, fulfilled and ended by a milestone like any other', async () => {
    const sku = await ownSku(one);
    const waits = await waiter(one, sku, 6);
    expect(saidBy(await fulfilReservation(one, { ...about(waits), lines: [], close: false }, CALL))).toBe('WAITLISTED');
    const milestone = { milestone: 'COMPLETED' as const, occurredAt: null, note: '' };
    const ended = await reportMilestone(one, { ...about(waits), ...milestone }, CALL);
    expect(ended).toMatchObject({ ok: true, answer: { reservation: { state: 'FULFILLED' } } });
    const other = await waiter(one, sku, 2);
    expect(saidBy(await release(two, other))).toBe('RELEASED');
    await receive(two, sku, 2);
    expect(await poolOf(one, sku)).toMatchObject({ on_hand: 2, reserved: 0 });
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
        const lines = [{ ...PLAIN_LINE, sku: await ownSku(one), quantity: 1 }];
        return await swapReservation(two, { ...about(holder), lines, partial: false }, CALL);
      },
    ],
  ];
  test.each(causes)('%s', async (_, cause) => {
    const sku = await ownSku(one);
    const holder = await allOf(one, sku);
    const waits = await waiter(one, sku);
    await cause(sku, holder);
    const row = await rowOf(one, waits);
    expect(row).toMatchObject({ state: 'RESERVED', version: 2, kind: 'reserved' });
    expect([(await poolOf(one, sku))?.xid, (await poolOf(one, sku, 'W2'))?.xid]).toContain(row.xid);
  });

  test('a transfer', async () => {
    const sku = await ownSku(one);
    const moved = await reserved(one, sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    await reserved(one, sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    const waits = await waiter(one, sku, 1, { lines: [{ ...PLAIN_LINE, sku, quantity: 1, warehouse: 'W1' }] });
    expect(await stateOf(one, waits)).toBe('WAITLISTED');
    await transferReservation(two, { ...about(moved), toWarehouse: 'W2', lines: [] }, CALL);
    expect(await stateOf(one, waits)).toBe('RESERVED');
  });

  test('an expiry, in the unit that finds it, before anybody new', async () => {
    const sku = await ownSku(one);
    await reserved(one, sku, 2 * ON_HAND, { holdWindowMs: 1_000 });
    const waits = await waiter(one, sku);
    await pause(1_050);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku, quantity: 2 * ON_HAND }])))).toBe('NO_STOCK');
    await reserved(one, sku, 2 * ON_HAND - 1);
    expect(await stateOf(one, waits)).toBe('RESERVED');
  });
});
