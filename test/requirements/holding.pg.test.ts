import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reserve } from '../../src/use-cases/reserve.ts';
import { countStock } from '../../src/use-cases/stock.ts';
import { saidBy } from '../support/deciding.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';
import { countsOf, heardOf, held, line, numberOf, release } from './cases.ts';

const ON_HAND = 5;

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  services = await openTwoServices('holding', ['FIRST'], ON_HAND);
  ({ one, two } = services);
});

afterAll(() => services.close());

/** A SKU of a test's own, with {@link ON_HAND} units in W1 and in W2. */
async function ownSku(onHand = ON_HAND): Promise<string> {
  const sku = `sku-${randomUUID()}`;
  await stockUp(one, [sku], onHand);
  return sku;
}

test('R2: lines of one SKU are summed before they are held against its pool; too much changes nothing', async () => {
  const sku = await ownSku();
  const other = await ownSku();
  const tooMuch = [line(sku, 3, 'W1'), line(other, 1), line(sku, 3, 'W1')];
  const refused = await reserveOne(one, reserveInput([], { lines: tooMuch }));
  const metadata = { sku, warehouse: 'W1', requested: '6', available: '5' };
  expect(refused).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK', metadata } });
  const nothing = [
    [ON_HAND, 0],
    [ON_HAND, 0],
  ];
  expect([await countsOf(one, sku), await countsOf(one, other)]).toEqual([nothing, nothing]);
  expect(await numberOf(one, 'select count(*) from allocation where sku = any($1)', [[sku, other]])).toBe(0);
  const fitting = [line(sku, 3, 'W1'), line(sku, 2, 'W1')];
  expect(saidBy(await reserveOne(two, reserveInput([], { lines: fitting })))).toBe('RESERVED');
});

test('R14: a release gives every unit back to the pool it came from, whoever else holds there', async () => {
  const sku = await ownSku();
  await held(one, reserveInput([], { lines: [line(sku, 2, 'W1'), line(sku, 3, 'W2')] }));
  const start = await countsOf(one, sku);
  const exchangeId = await held(one, reserveInput([], { lines: [line(sku, 5)] }));
  expect(await countsOf(one, sku)).toEqual([
    [ON_HAND, ON_HAND],
    [ON_HAND, ON_HAND],
  ]);
  expect(saidBy(await release(two, exchangeId))).toBe('RELEASED');
  expect(await countsOf(one, sku)).toEqual(start);
});

test('R16: a feed of what is on hand never erases what is held, and says whether it is net of it', async () => {
  const sku = await ownSku();
  await held(one, reserveInput([], { lines: [line(sku, 4, 'W1')] }));
  const count = async (onHand: number, netOfReserved: boolean) => {
    const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null };
    const counts = [{ sku, warehouse: 'W1', onHand, netOfReserved, ...plain }];
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
    expect(await countStock(two, { ...key, reason: 'feed', counts }, CALL)).toMatchObject({ ok: true });
    return (await countsOf(one, sku))[0];
  };
  expect(await count(9, false)).toEqual([9, 4]);
  expect(await count(5, true)).toEqual([9, 4]);
  expect(await count(0, true)).toEqual([4, 4]);
  expect(saidBy(await reserveOne(two, reserveInput([], { lines: [line(sku, 1, 'W1')] })))).toBe('NO_STOCK');
});

test('R17: what is held is the replacement alone, and a shortage leaves the case to be tried again', async () => {
  const returned = await ownSku();
  const wanted = await ownSku(0);
  const lines = [{ ...line(wanted, 1), returnedSku: returned }];
  const input = reserveInput([], { lines });
  const short = await reserveOne(one, input);
  const metadata = { sku: wanted, requested: '1', available: '0' };
  expect(short).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK', metadata } });
  await stockUp(one, [wanted], 1);
  expect(await reserveOne(two, input)).toMatchObject({ ok: true, replayed: false });
  expect(await countsOf(one, returned)).toEqual([
    [ON_HAND, 0],
    [ON_HAND, 0],
  ]);
  expect(await countsOf(one, wanted)).toEqual([
    [1, 1],
    [1, 0],
  ]);
});

test('R18: when Reserve answers, the unit is held for every process, and a later sale of it is refused', async () => {
  const sku = await ownSku();
  for (let unit = 0; unit < 2 * ON_HAND; unit += 1) {
    const made = madeReservation(await reserveOne(one, reserveInput([], { lines: [line(sku, 1)] })));
    const stored = 'select count(*) from reservation where reservation_id = $1';
    expect(await numberOf(two, stored, [made.reservationId])).toBe(1);
  }
  const sale = await reserveOne(two, reserveInput([{ sku }], { channel: 'SALE' }));
  expect(sale).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK', metadata: { held_by: 'exchange' } } });
});

test('P21: too little is told with the SKU, its places, what was asked, what is free, and who holds the rest', async () => {
  const sku = await ownSku();
  const ask = (warehouse: string) => reserveOne(two, reserveInput([], { lines: [line(sku, 8, warehouse)] }));
  await held(one, reserveInput([], { lines: [line(sku, 2, 'W1')] }));
  await held(one, reserveInput([], { lines: [line(sku, 3, 'W1'), line(sku, 1, 'W2')], channel: 'SALE' }));
  const everywhere = { sku, warehouses: 'W1, W2', requested: '8', available: '4', held_by: 'sale' };
  expect(await ask('')).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK', metadata: everywhere } });
  const there = { sku, warehouse: 'W2', requested: '8', available: '4', held_by: 'sale' };
  expect(await ask('W2')).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK', metadata: there } });
});

test('P22: a line is never exchanged beyond what was bought, whichever of two processes is asked at once', async () => {
  const sku = await ownSku(100);
  const orderId = `order-${randomUUID()}`;
  const bought = [{ ...line(sku, 1), orderLineId: 'line-1', purchasedQuantity: 3 }];
  const heard = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      heardOf(reserveOne(at % 2 === 0 ? one : two, reserveInput([], { orderId, lines: bought }))),
    ),
  );
  expect(heard.toSorted()).toEqual([...Array(17).fill('ORDER_LINE_EXHAUSTED'), ...Array(3).fill('RESERVED')]);
  expect(await numberOf(one, 'select exchanged as count from order_line where order_id = $1', [orderId])).toBe(3);
});

test('P25: one call that names only what is wanted finds the places, holds the units and tells all there is to tell', async () => {
  const first = await ownSku();
  const second = await ownSku();
  const input = reserveInput([], { orderId: '', returnCaseId: '', lines: [line(first, 2 * ON_HAND), line(second, 1)] });
  const [outcome] = await reserve(one, [input], CALL);
  expect(saidBy(outcome)).toBe('RESERVED');
  const made = outcome === undefined ? null : madeReservation(outcome);
  expect(made).toMatchObject({ state: 'RESERVED', exchangeId: input.exchangeId });
  expect(made?.trackingId).not.toBe('');
  expect(made?.expireAt).toBeGreaterThan(made?.createdAt ?? Number.NaN);
  const places = made?.lines.map(({ allocations }) => allocations.map((part) => [part.warehouse, part.reserved]));
  expect(places).toEqual([
    [
      ['W1', ON_HAND],
      ['W2', ON_HAND],
    ],
    [['W1', 1]],
  ]);
  const announced = `select count(*) from outbox where topic = 'reservation' and key = $1`;
  expect(await numberOf(two, announced, [made?.reservationId])).toBe(1);
});
