import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { CatalogCache } from '../../src/persistence/catalog-cache.ts';
import { putItems } from '../../src/use-cases/stock.ts';
import { putDraft } from '../support/rules.ts';
import { CALL, CONTENT_HASH, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  services = await openTwoServices('catalog', ['A', 'B'], 100);
  ({ one, two } = services);
});

afterAll(() => services.close());

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

test('rule versions that are not known are read together, and known ones not again', async () => {
  await putDraft(one, 1, { maxUnits: 7 });
  await putDraft(one, 2, { maxUnits: 8 });
  const client = await one.database.unitPool.connect();
  const asked: unknown[] = [];
  const query = client.query.bind(client) as (statement: { values: unknown[] }) => unknown;
  client.query = ((statement: { values: unknown[] }) => {
    asked.push(statement.values);
    return query(statement);
  }) as typeof client.query;
  const cache = new CatalogCache(compileRule);
  const limits = async (versions: readonly number[]) =>
    (await cache.ruleSets(client, versions)).map(({ rules }) => [rules.version, rules.maxUnits]).sort();
  const both = [
    [2, 7],
    [3, 8],
  ];
  expect(await limits([2, 3])).toEqual(both);
  expect(await limits([3, 2])).toEqual(both);
  expect(asked).toHaveLength(1);
  client.release(true);
});
