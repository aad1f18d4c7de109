import { afterEach, beforeEach, expect, test } from 'vitest';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
import { CALL, CONTENT_HASH, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('customer', ['A', 'B', 'C'], 500);
  ({ one, two } = services);
});

afterEach(() => services.close());

const ask = (service: TestService, customerRef: string, sku = 'A', exchangeId?: string) =>
  reserveOne(service, reserveInput([{ sku }], { customerRef, ...(exchangeId === undefined ? {} : { exchangeId }) }));

async function said(outcomes: readonly ReturnType<typeof ask>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(outcomes)) {
    const key = outcome.ok ? 'RESERVED' : outcome.refusal.reason;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

test('the limit holds for a customer who asks two processes at once for different items', async () => {
  expect(madeVersion(await putDraft(one, 1, { maxLivePerCustomer: 5 }))).toBe(2);
  const customers = ['c-1', 'c-2', 'c-3'];
  const asks = Array.from({ length: 90 }, (_, at) =>
    ask(at % 2 === 0 ? one : two, customers[at % 3] ?? '', ['A', 'B', 'C'][(at >> 1) % 3]),
  );
  expect(await said(asks)).toEqual({ RESERVED: 15, RULE_LIMIT: 75 });
  const { rows } = await one.database.pool.query(
    'select customer_ref, count(*)::int as live from reservation group by 1 order by 1',
  );
  expect(rows).toEqual(customers.map((customer_ref) => ({ customer_ref, live: 5 })));
});

test('a limit counts what was reserved before it, and what ends makes room', async () => {
  await said([ask(one, 'c', 'A', 'first'), ask(one, 'c'), ask(two, 'c')]);
  await putDraft(two, 1, { maxLivePerCustomer: 3 });
  expect(await said([ask(one, 'c')])).toEqual({ RULE_LIMIT: 1 });
  const key = { requestId: 'r', contentHash: CONTENT_HASH, etag: '', reason: 'MANUAL' as const, note: '' };
  await releaseReservation(two, { ...key, target: { by: 'exchange', id: 'first' } }, CALL);
  expect(await said([ask(one, 'c'), ask(one, 'c')])).toEqual({ RESERVED: 1, RULE_LIMIT: 1 });
});

test('what is past its deadline no longer counts, swept or not', async () => {
  await services.setClock(Date.UTC(2030, 0, 1));
  await putDraft(one, 1, { maxLivePerCustomer: 1, defaultHoldWindowMs: DAY_MS });
  expect(await said([ask(one, 'c', 'A')])).toEqual({ RESERVED: 1 });
  await services.setClock(Date.UTC(2030, 0, 3));
  expect(await said([ask(two, 'c', 'B')])).toEqual({ RESERVED: 1 });
  expect(await said([ask(two, 'c', 'A')])).toEqual({ RULE_LIMIT: 1 });
});

test('a limit made in the same unit holds for the commands after it', async () => {
  const outcomes = [ask(one, 'c'), ask(one, 'c'), putDraft(one, 1, { maxLivePerCustomer: 2 }), ask(one, 'c')];
  expect(await said(outcomes)).toEqual({ RESERVED: 3, RULE_LIMIT: 1 });
});

test('customers are locked only while there is a limit, and those who got nothing leave no row', async () => {
  const rows = async () => (await one.database.pool.query('select customer_ref from customer')).rows;
  await ask(one, 'early');
  expect(await rows()).toEqual([]);
  await putDraft(one, 1, { maxLivePerCustomer: 2, maxUnits: 1 });
  await reserveOne(one, reserveInput([{ sku: 'A', quantity: 2 }], { customerRef: 'refused' }));
  expect(await rows()).toEqual([]);
  await ask(two, 'served');
  expect(await rows()).toEqual([{ customer_ref: 'served' }]);
});
