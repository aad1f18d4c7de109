import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRulesReader } from '../../src/persistence/rules-reader.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import type { StockReader } from '../../src/ports.ts';
import { fulfilReservation } from '../../src/use-cases/resolve.ts';
import { receiveStock } from '../../src/use-cases/stock.ts';
import type { Loop } from '../../src/workers/loop.ts';
import { startRuleFollower } from '../../src/workers/rule-follower.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { ask, poolNumbers, sell } from '../support/pool-numbers.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
import { CALL, CONTENT_HASH, madeReservation, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const T0 = Date.UTC(2030, 0, 1);
const FOLLOWED_MAX_MS = 10_000;

let services: TwoServices;
let one: TestService;
let two: TestService;
let followers: Loop[];
/** Times a follower came to the end of a look. */
let looks = 0;

beforeEach(async () => {
  services = await openTwoServices('stock-rules', ['A', 'B'], 10);
  ({ one, two } = services);
  followers = [];
});

afterEach(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
  await services.close();
});

const kept = (sku: string, warehouse: string, units: number, percent = 0) => ({ sku, warehouse, units, percent });
const stockOf = (service: TestService): StockReader => createStockReader(service.database.orm, service.database.pool);
const failures: unknown[] = [];

function follow(service: TestService): void {
  const { pool } = service.database;
  const follower = startRuleFollower({
    rules: createRulesReader(pool, () => performance.now()),
    stock: stockOf(service),
    unitOfWork: service.unitOfWork,
    monotonicMs: () => performance.now(),
    pause: (ms, signal) => {
      looks += 1;
      return sleep(Math.min(ms, 20), undefined, { signal });
    },
    onFailure: (error) => failures.push(error),
  });
  followers.push(follower);
}

const pools = () => poolNumbers(one);

/** Waits until the pools are as they should be. */
async function followed(expected: readonly object[]): Promise<void> {
  await vi.waitFor(async () => expect(await pools()).toMatchObject(expected), FOLLOWED_MAX_MS);
}

/** Waits until the follower has begun to look since, and has come to its end: what was to change has changed. */
async function lookedAgain(): Promise<void> {
  const before = looks;
  await vi.waitFor(() => expect(looks).toBeGreaterThanOrEqual(before + 2), FOLLOWED_MAX_MS);
}

async function picture(tables: readonly string[]): Promise<unknown> {
  const read = tables.map(async (table) => {
    const text = `select t::text as row, xmin::text as xmin from ${table} t order by t::text`;
    return (await one.database.pool.query(text)).rows;
  });
  return await Promise.all(read);
}

describe('a safety stock', () => {
  test('is kept back from the next unit of any process, which names it, and stands on the pool from then on', async () => {
    expect(madeVersion(await putDraft(one, 1, { safetyStocks: [kept('A', '', 4)] }))).toBe(2);
    expect(await ask(two, 'A', 13)).toMatchObject({
      ok: false,
      refusal: { reason: 'NO_STOCK', metadata: { requested: '13', available: '12', held_by: 'safety' } },
    });
    expect(await pools()).toMatchObject([
      { pool: 'A W1', safety: 4, version: 2 },
      { pool: 'A W2', safety: 4, version: 2 },
      { pool: 'B W1', safety: 0, version: 1 },
      { pool: 'B W2', safety: 0, version: 1 },
    ]);
    expect(madeReservation(await ask(two, 'A', 12))).toMatchObject({ ruleVersion: 2 });
    expect(await ask(two, 'A', 1)).toMatchObject({ ok: false });
  });

  test('is a share of what is on hand, and moves with it', async () => {
    await putDraft(one, 1, { safetyStocks: [kept('A', 'W1', 2, 25)] });
    const receipts = [{ sku: 'A', warehouse: 'W1', delta: { onHand: 3 } }];
    const key = { requestId: 'more', contentHash: CONTENT_HASH, reason: 'delivery' };
    const received = await receiveStock(two, { ...key, receipts }, CALL);
    expect(received).toMatchObject({ answer: { levels: [{ onHand: 13, safetyStock: 4 }] } });
    expect(await receiveStock(one, { ...key, receipts }, CALL)).toMatchObject({
      replayed: true,
      answer: { levels: [{ safetyStock: 4 }] },
    });
  });

  test('above what is free leaves what is held alone, and makes no shortage', async () => {
    const held = madeReservation(await ask(one, 'A', 9));
    await putDraft(one, 1, { safetyStocks: [kept('', '', 0, 100)] });
    expect(await ask(two, 'A', 1)).toMatchObject({
      ok: false,
      refusal: { metadata: { available: '0', held_by: 'safety' } },
    });
    const [view] = await stockOf(two).read(['A'], ['W1']);
    expect(view?.level).toMatchObject({ safetyStock: 10, reserved: 9, onHand: 10 });
    const target = { by: 'reservation' as const, id: held.reservationId };
    const key = { requestId: 'f', contentHash: CONTENT_HASH };
    expect(await fulfilReservation(two, { ...key, target, lines: [], close: false }, CALL)).toMatchObject({ ok: true });
    expect((await stockOf(two).read(['A'], ['W1']))[0]?.level).toMatchObject({ safetyStock: 1, onHand: 1 });
  });
});

describe('pools nobody touches', () => {
  test('follow the rules in the background, once each, whichever of two processes comes first', async () => {
    follow(one);
    follow(two);
    await putDraft(one, 1, {
      safetyStocks: [kept('A', '', 3)],
      exchangePools: [{ sku: 'B', minimum: 12, maximum: 0 }],
    });
    await followed([
      { pool: 'A W1', safety: 3, minimum: 0, version: 2 },
      { pool: 'A W2', safety: 3, minimum: 0, version: 2 },
      { pool: 'B W1', safety: 0, minimum: 10, version: 2 },
      { pool: 'B W2', safety: 0, minimum: 2, version: 2 },
    ]);
    await putDraft(two, 2);
    await followed([3, 3, 3, 3].map((version) => ({ safety: 0, minimum: 0, version })));
    const told = await one.database.pool.query(`select count(*)::int as rows from outbox where topic = 'pool'`);
    expect(told.rows).toEqual([{ rows: 12 }]);
    expect(failures).toEqual([]);
  });

  test('follow rules from the instant they hold, by the clock of the database, and not before', async () => {
    await services.setClock(T0);
    follow(one);
    await putDraft(one, 1, { effectiveAt: T0 + DAY_MS, safetyStocks: [kept('', 'W2', 2)] });
    await services.setClock(T0 + DAY_MS - 1);
    await lookedAgain();
    await followed([0, 0, 0, 0].map((safety) => ({ safety, version: 1 })));
    await services.setClock(T0 + DAY_MS);
    await followed([
      { safety: 0, version: 1 },
      { safety: 2, version: 2 },
      { safety: 0, version: 1 },
      { safety: 2, version: 2 },
    ]);
  });

  test('have another version where another threshold flags them otherwise, and only there', async () => {
    expect(await sell(one, 'A', 8)).toMatchObject({ ok: true });
    follow(two);
    await putDraft(one, 1, { lowThreshold: 5 });
    const expected = [
      { pool: 'A W1', version: 3 },
      { pool: 'A W2', version: 1 },
      { pool: 'B W1', version: 1 },
      { pool: 'B W2', version: 1 },
    ];
    await followed(expected);
    await lookedAgain();
    await followed(expected);
  });

  test('I18: leave every live reservation as it is, to the byte', async () => {
    await Promise.all(Array.from({ length: 8 }, () => ask(one, 'A', 2)));
    const tables = ['reservation', 'allocation', 'audit_event', 'exchange', 'order_line', 'stock_movement'];
    const before = await picture(tables);
    follow(one);
    await putDraft(one, 1, { safetyStocks: [kept('', '', 9)], exchangePools: [{ sku: '', minimum: 3, maximum: 4 }] });
    await followed([9, 9, 9, 9].map((safety) => ({ safety })));
    expect(await picture(tables)).toEqual(before);
  });

  test('are not written where a version says the same of them', async () => {
    await putDraft(one, 1, { safetyStocks: [kept('A', '', 3)] });
    follow(one);
    await followed([{ safety: 3 }, { safety: 3 }, {}, {}]);
    const before = await picture(['stock_pool']);
    await putDraft(one, 2, { safetyStocks: [kept('A', '', 3)], maxLines: 7 });
    await lookedAgain();
    expect(await picture(['stock_pool'])).toEqual(before);
  });
});

test('answers that an earlier release kept are replayed, as what rules said of them then: nothing', async () => {
  const more = { requestId: 'old-rules' };
  await putDraft(one, 1, { lowThreshold: 3 }, more);
  const key = { requestId: 'old-stock', contentHash: CONTENT_HASH, reason: 'delivery' };
  const receipts = [{ sku: 'A', warehouse: 'W1', delta: { onHand: 1 } }];
  await receiveStock(one, { ...key, receipts }, CALL);
  await one.database.pool.query(`update request_claim set answer = (answer::jsonb
    #- '{rules,safetyStocks}' #- '{rules,exchangePools}' #- '{rules,sourcing}' #- '{levels,0,saleReserved}'
    #- '{levels,0,exchangeMinimum}' #- '{levels,0,lowThreshold}' #- '{levels,0,ruleVersion}')::json
    where request_id like 'old-%'`);
  expect(await putDraft(two, 1, {}, more)).toMatchObject({
    replayed: true,
    answer: { rules: { lowThreshold: 3, safetyStocks: [], exchangePools: [], sourcing: 'PRIORITY' } },
  });
  expect(await receiveStock(two, { ...key, receipts }, CALL)).toMatchObject({
    replayed: true,
    answer: { levels: [{ onHand: 11, saleReserved: 0, exchangeMinimum: 0, lowThreshold: 0 }] },
  });
});
