import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyWarehouseMessage, type WarehouseMessage } from '../../../src/use-cases/warehouse-message.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  CONTENT_HASH,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../../support/test-service.ts';

const NEVER = new AbortController().signal;

let database: TestDatabase;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('mutants');
  one = await openTestService(database.url);
  two = await openTestService(database.url);
  await stockUp(one, ['SHOE'], 10);
});

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await database.drop();
});

test('R10: a shipment of one unit that comes ten times, at two processes, takes one unit', async () => {
  const reserved = await reserveOne(one, reserveInput([{ sku: 'SHOE', quantity: 5 }]));
  const reservation = reserved.ok && reserved.answer.kind === 'reservation' ? reserved.answer.reservation : null;
  const message: WarehouseMessage = {
    wms: 'sim',
    messageId: 'shipment-1',
    contentHash: CONTENT_HASH,
    warehouse: 'W1',
    occurredAt: Date.now(),
    trace: null,
    event: 'shipment-confirmed',
    trackingId: reservation?.trackingId ?? '',
    lines: [{ lineNumber: 1, sku: 'SHOE', quantity: 1 }],
    code: '',
  };
  const verdicts = await Promise.all(
    Array.from({ length: 10 }, (_, at) => applyWarehouseMessage(at % 2 === 0 ? one : two, message, NEVER)),
  );
  expect(verdicts).toEqual(verdicts.map(() => ({ verdict: { kind: 'ACCEPTED', reason: '', metadata: {} } })));
  const { rows } = await one.database.pool.query(
    `select p.on_hand, p.reserved, a.fulfilled from stock_pool p join allocation a using (sku, warehouse)
     where p.sku = 'SHOE' and p.warehouse = 'W1'`,
  );
  expect(rows).toEqual([{ on_hand: 9, reserved: 4, fulfilled: 1 }]);
});
