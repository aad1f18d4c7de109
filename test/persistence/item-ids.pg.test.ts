import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { putItems } from '../../src/use-cases/stock.ts';
import { anItem } from '../support/arbitraries.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
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

let database: TestDatabase;
let services: [TestService, TestService];

beforeAll(async () => {
  database = await createTestDatabase('item_ids');
  services = [await openTestService(database.url), await openTestService(database.url)];
  await stockUp(services[0], ['HELD'], 5);
});

afterAll(async () => {
  for (const service of services) await service.close();
  await database.drop();
});

let sku: string;
let itemId: string;

beforeEach(() => {
  sku = `SKU-${randomUUID()}`;
  itemId = `item ${randomUUID()}`;
});

function put(items: readonly { sku: string; itemId?: string; retired?: boolean }[], service = services[0]) {
  const named = items.flatMap((item) => item.itemId ?? []);
  const all = items.map((item) => anItem(item.sku, { itemId: service.ids.uuid(), ...item }));
  return putItems(service, { requestId: randomUUID(), contentHash: CONTENT_HASH, items: all, namedIds: named }, CALL);
}

async function idOf(known: string): Promise<string | undefined> {
  const { rows } = await services[0].database.pool.query('select item_id from item where sku = $1', [known]);
  return rows[0]?.item_id;
}

const RENAMED = { ok: false, refusal: { reason: 'UNSUPPORTED', metadata: { feature: 'another SKU for an item' } } };

describe('P24: an item id', () => {
  test('is any text, and stays however often the item is put', async () => {
    expect(await put([{ sku, itemId }])).toMatchObject({ ok: true });
    expect(await put([{ sku }])).toMatchObject({ ok: true, answer: { items: [{ itemId }] } });
    expect(
      await put([
        { sku, itemId },
        { sku, itemId, retired: true },
      ]),
    ).toMatchObject({ ok: true });
    expect(await idOf(sku)).toBe(itemId);
  });

  test('is not changed for another, and nothing of the request is kept', async () => {
    await put([{ sku, itemId }]);
    const more = `${sku}-more`;
    const refusal = { reason: 'INVALID_FIELD', metadata: { field: 'items.item_id', sku, item_id: itemId } };
    expect(await put([{ sku: more }, { sku, itemId: 'another' }])).toMatchObject({ ok: false, refusal });
    expect(await idOf(more)).toBeUndefined();
  });

  test.each(['in a later request', 'in the same request', 'in the same unit'])(
    'is not given a second SKU %s',
    async (when) => {
      const one = { sku, itemId };
      const two = { sku: `${sku}-new`, itemId };
      const outcomes = {
        'in a later request': async () => [await put([one]), await put([two])],
        'in the same request': async () => [await put([one, two])],
        'in the same unit': () => Promise.all([put([one]), put([two])]),
      };
      const answers = await outcomes[when as keyof typeof outcomes]();
      expect(answers.filter((answer) => !answer.ok)).toMatchObject([RENAMED]);
      const { rows } = await services[0].database.pool.query('select sku from item where item_id = $1', [itemId]);
      expect(rows).toHaveLength(answers.length - 1);
    },
  );
});

test('P24: an id that two processes put at the same moment is of one SKU, and the other is told so', async () => {
  for (let round = 0; round < 30; round += 1) {
    const id = `${itemId} ${round}`;
    const answers = await Promise.all(
      services.map((each, at) => put([{ sku: `${sku}-${round}-${at}`, itemId: id }], each)),
    );
    expect(answers.filter((answer) => !answer.ok)).toMatchObject([RENAMED]);
  }
});

test('P24: what is held stays held of the same item when its SKU is retired and put again', async () => {
  const id = await idOf('HELD');
  const held = madeReservation(await reserveOne(services[0], reserveInput([{ sku: 'HELD' }])));
  expect(await put([{ sku: 'HELD', retired: true }])).toMatchObject({ ok: true });
  const refused = await reserveOne(services[0], reserveInput([{ sku: 'HELD' }]));
  expect(refused).toMatchObject({ ok: false, refusal: { reason: 'UNKNOWN_SKU' } });
  expect(await put([{ sku: 'HELD', itemId: 'somebody else' }])).toMatchObject({ ok: false });
  expect(await put([{ sku: 'HELD' }])).toMatchObject({ ok: true, answer: { items: [{ itemId: id }] } });
  const { rows } = await services[0].database.pool.query(
    'select a.reserved, i.item_id from allocation a join item i on i.sku = a.sku where a.reservation_id = $1',
    [held.reservationId],
  );
  expect(rows).toEqual([{ reserved: 1, item_id: id }]);
});
