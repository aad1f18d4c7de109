import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putItems } from '../../src/use-cases/stock.ts';
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
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('catalog');
  one = await openTestService(database.url);
  two = await openTestService(database.url);
  await stockUp(one, ['A', 'B'], 100);
});

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await database.drop();
});

function put(service: TestService, sku: string, retired: boolean) {
  const item = {
    itemId: randomUUID(),
    sku,
    name: sku,
    tracking: 'QUANTITY' as const,
    product: '',
    attributes: {},
    equivalentSkus: [],
    retired,
  };
  return putItems(service, { requestId: randomUUID(), contentHash: CONTENT_HASH, items: [item] }, CALL);
}

const ask = (service: TestService, sku: string) => reserveOne(service, reserveInput([{ sku }]));

test('an item that another process retires is refused by the next unit, and one it brings back is taken', async () => {
  expect(await ask(two, 'A')).toMatchObject({ ok: true });
  await put(one, 'A', true);
  expect(await ask(two, 'A')).toMatchObject({ ok: false, refusal: { reason: 'UNKNOWN_SKU' } });
  expect(await ask(two, 'B')).toMatchObject({ ok: true });
  await put(one, 'A', false);
  expect(await ask(two, 'A')).toMatchObject({ ok: true });
});

test('an item that was asked for before it was there is found once it is', async () => {
  expect(await ask(two, 'NEW')).toMatchObject({ ok: false, refusal: { reason: 'UNKNOWN_SKU' } });
  await put(one, 'NEW', false);
  expect(await ask(two, 'NEW')).toMatchObject({ ok: false, refusal: { reason: 'NO_STOCK' } });
});
