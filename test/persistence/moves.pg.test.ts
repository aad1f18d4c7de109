import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
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

const ON_HAND = 5;
const CYCLES = 100;

let database: TestDatabase;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('moves');
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

/** SKUs of a test's own, with {@link ON_HAND} of each in W1 and in W2. */
async function ownSkus(count: number): Promise<string[]> {
  const skus = Array.from({ length: count }, () => `sku-${randomUUID()}`);
  await stockUp(one, skus, ON_HAND);
  return skus;
}

const line = (sku: string, quantity: number, warehouse = '') => {
  const plain = { orderLineId: '', returnedSku: '', purchasedQuantity: 0 };
  return { sku, quantity, warehouse, ...plain };
};

function about(exchangeId: string) {
  const target = { by: 'exchange' as const, id: exchangeId };
  return { requestId: randomUUID(), contentHash: CONTENT_HASH, target, etag: '' };
}

const swap = (service: TestService, exchangeId: string, lines: ReturnType<typeof line>[]) =>
  swapReservation(service, { ...about(exchangeId), lines, partial: false }, CALL);

const transfer = (service: TestService, exchangeId: string, toWarehouse: string) =>
  transferReservation(service, { ...about(exchangeId), toWarehouse, lines: [] }, CALL);

const release = (service: TestService, exchangeId: string) =>
  releaseReservation(service, { ...about(exchangeId), reason: 'CANCELLED', note: '' }, CALL);

async function held(lines: ReturnType<typeof line>[], more: Parameters<typeof reserveInput>[1] = {}): Promise<string> {
  const input = reserveInput([], { lines, ...more });
  expect(saidBy(await reserveOne(one, input))).toBe('RESERVED');
  return input.exchangeId;
}

/** Reserved units and version of each pool, and the transaction that wrote it last. */
async function poolsOf(skus: readonly string[]) {
  const { rows } = await one.database.pool.query<{ reserved: number; on_hand: number; version: string; xid: string }>(
    `select reserved, on_hand, version::text, xmin::text as xid from stock_pool where sku = any($1::text[])
      order by array_position($1::text[], sku), warehouse`,
    [skus],
  );
  return rows;
}

async function countsOf(skus: readonly string[]): Promise<number[][]> {
  return (await poolsOf(skus)).map((pool) => [pool.on_hand, pool.reserved]);
}

/** Every row that tells of the reservation, whatever transaction wrote it. */
async function rowsOf(exchangeId: string) {
  const { rows } = await one.database.pool.query(
    `select r.version, r.state, r.lines::text as lines, json_agg(a order by a.line_number, a.warehouse)::text as parts,
        (select count(*)::int from audit_event e where e.reservation_id = r.reservation_id) as events
      from reservation r join allocation a using (reservation_id) where r.exchange_id = $1 group by r.reservation_id`,
    [exchangeId],
  );
  return rows;
}

test('R9: a swap frees the old units and takes the new ones in one commit', async () => {
  const skus = await ownSkus(2);
  const [old = '', other = ''] = skus;
  const exchangeId = await held([line(old, 2, 'W1')]);
  expect(saidBy(await swap(two, exchangeId, [line(other, 3, 'W1')]))).toBe('RESERVED');
  const [oldPool, , otherPool] = await poolsOf(skus);
  expect([oldPool?.reserved, otherPool?.reserved]).toEqual([0, 3]);
  expect(oldPool?.xid).toBe(otherPool?.xid);
  expect(await rowsOf(exchangeId)).toMatchObject([{ version: 2, events: 2 }]);
});

test('R9: a swap that finds too little gives nothing back and leaves every row as it was', async () => {
  const skus = await ownSkus(2);
  const [old = '', other = ''] = skus;
  const exchangeId = await held([line(old, 2, 'W1')]);
  const before = [await poolsOf(skus), await rowsOf(exchangeId)];
  const tooMuch = [line(other, 1), line(other, 2 * ON_HAND)];
  expect(saidBy(await swap(two, exchangeId, tooMuch))).toBe('NO_STOCK');
  expect([await poolsOf(skus), await rowsOf(exchangeId)]).toEqual(before);
});

test('R9: a swap by a re-request with replace_existing works where nothing is available, and so does fulfilment', async () => {
  const [sku = ''] = await ownSkus(1);
  const all = [line(sku, ON_HAND, 'W1'), line(sku, ON_HAND, 'W2')];
  const exchangeId = await held(all);
  expect(saidBy(await reserveOne(two, reserveInput([{ sku }])))).toBe('NO_STOCK');
  const again = reserveInput([], { exchangeId, lines: all, replaceExisting: true });
  const replaced = madeReservation(await reserveOne(two, again));
  expect(replaced).toMatchObject({ version: 2, state: 'RESERVED' });
  const fulfilled = await fulfilReservation(one, { ...about(exchangeId), lines: [], close: false }, CALL);
  expect(saidBy(fulfilled)).toBe('FULFILLED');
  expect(await countsOf([sku])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('R9: a swap does not count what it replaces against the limit of its customer', async () => {
  const [sku = '', other = ''] = await ownSkus(2);
  const customerRef = `customer-${randomUUID()}`;
  const exchangeId = await held([line(sku, 1)], { customerRef });
  const limited = Number(madeVersion(await putDraft(one, 1, { maxLivePerCustomer: 1 })));
  try {
    const again = reserveInput([], { exchangeId, customerRef, lines: [line(other, 1)], replaceExisting: true });
    const replaced = madeReservation(await reserveOne(two, again));
    expect(replaced).toMatchObject({ version: 2, ruleVersion: 1 });
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }], { customerRef })))).toBe('RULE_LIMIT');
    await release(one, exchangeId);
    expect(saidBy(await reserveOne(two, reserveInput([{ sku }], { customerRef })))).toBe('RESERVED');
  } finally {
    await putDraft(one, limited, { maxLivePerCustomer: 0 });
  }
});

test('R9: a swap by a re-request that the rules refuse leaves what is held', async () => {
  const [sku = '', other = ''] = await ownSkus(2);
  const exchangeId = await held([line(sku, 1, 'W1')]);
  const before = await rowsOf(exchangeId);
  const facts = { ...reserveInput([]).facts, reason: 'ABUSE' };
  const again = reserveInput([{ sku: other }], { exchangeId, facts, replaceExisting: true });
  expect(saidBy(await reserveOne(two, again))).toBe('NOT_ELIGIBLE');
  expect(await rowsOf(exchangeId)).toEqual(before);
});

test('R13: a transfer changes both pools in one commit and one event', async () => {
  const [sku = ''] = await ownSkus(1);
  const exchangeId = await held([line(sku, ON_HAND, 'W1')]);
  expect(saidBy(await transfer(two, exchangeId, 'W2'))).toBe('RESERVED');
  const [from, to] = await poolsOf([sku]);
  expect([from?.reserved, to?.reserved]).toEqual([0, ON_HAND]);
  expect(from?.xid).toBe(to?.xid);
  expect(await rowsOf(exchangeId)).toMatchObject([{ version: 2, events: 2 }]);
});

test('R13: a transfer is held against the full quantity at the destination; a failure leaves the source intact', async () => {
  const [sku = ''] = await ownSkus(1);
  await held([line(sku, 1, 'W2')]);
  const exchangeId = await held([line(sku, ON_HAND, 'W1')]);
  const before = [await poolsOf([sku]), await rowsOf(exchangeId)];
  expect(saidBy(await transfer(two, exchangeId, 'W2'))).toBe('NO_STOCK');
  expect([await poolsOf([sku]), await rowsOf(exchangeId)]).toEqual(before);
});

test('R14: what is fulfilled in part stays held, and closing short gives the rest back to where it came from', async () => {
  const [sku = ''] = await ownSkus(1);
  const exchangeId = await held([line(sku, 3, 'W1'), line(sku, 2, 'W2')]);
  const fulfil = (service: TestService, lineNumber: number, close: boolean) =>
    fulfilReservation(service, { ...about(exchangeId), lines: [{ lineNumber, quantity: 1 }], close }, CALL);
  expect(saidBy(await fulfil(one, 1, false))).toBe('RESERVED');
  expect(await countsOf([sku])).toEqual([
    [ON_HAND - 1, 2],
    [ON_HAND, 2],
  ]);
  expect(saidBy(await fulfil(two, 2, true))).toBe('FULFILLED');
  expect(await countsOf([sku])).toEqual([
    [ON_HAND - 1, 0],
    [ON_HAND - 1, 0],
  ]);
  expect(saidBy(await release(one, exchangeId))).toBe('ALREADY_FULFILLED');
  const again = reserveInput([], { exchangeId, lines: [line(sku, 1)], replaceExisting: true });
  expect(saidBy(await reserveOne(two, again))).toBe('ALREADY_FULFILLED');
});

test('R4: a hundred times reserved, swapped, moved, cancelled and asked for again, all counters are as at the start', async () => {
  const skus = await ownSkus(2);
  const [sku = '', other = ''] = skus;
  const start = await countsOf(skus);
  const exchangeId = `exchange-${randomUUID()}`;
  const ids = new Set<string>();
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    const [first, second] = cycle % 2 === 0 ? [one, two] : [two, one];
    const input = reserveInput([], { exchangeId, lines: [line(sku, 2)], replaceExisting: cycle % 3 === 0 });
    const made = madeReservation(await reserveOne(first, input));
    ids.add(made.reservationId);
    if (cycle % 4 < 2) expect(saidBy(await swap(second, exchangeId, [line(other, ON_HAND, 'W1')]))).toBe('RESERVED');
    if (cycle % 2 === 0) expect(saidBy(await transfer(second, exchangeId, 'W2'))).toBe('RESERVED');
    expect(saidBy(await release(second, exchangeId))).toBe('RELEASED');
  }
  expect(ids.size).toBe(CYCLES);
  expect(await countsOf(skus)).toEqual(start);
});
