import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Target } from '../../../src/domain/working-set.ts';
import { createLedgerAuditor } from '../../../src/persistence/ledger-auditor.ts';
import { fulfilReservation, releaseReservation } from '../../../src/use-cases/resolve.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  CALL,
  CONTENT_HASH,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../../support/test-service.ts';

const ON_HAND = 10;

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('mutants');
  service = await openTestService(database.url);
  await stockUp(service, ['SHOE'], ON_HAND);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

async function reserveThree(): Promise<{ requestId: string; contentHash: Uint8Array; target: Target }> {
  const input = reserveInput([{ sku: 'SHOE', quantity: 3 }]);
  expect(await reserveOne(service, input)).toMatchObject({ ok: true });
  const target = { by: 'exchange' as const, id: input.exchangeId };
  return { requestId: randomUUID(), contentHash: CONTENT_HASH, target };
}

test('R3: reserving, shipping and giving back leave counters, lines and audit events that agree', async () => {
  const shipped = await fulfilReservation(service, { ...(await reserveThree()), lines: [], close: false }, CALL);
  const given = { ...(await reserveThree()), etag: '', reason: 'CANCELLED' as const, note: '' };
  const released = await releaseReservation(service, given, CALL);
  await reserveThree();
  expect([shipped, released]).toMatchObject([{ ok: true }, { ok: true }]);
  const report = await createLedgerAuditor(service.database.pool).verify();
  expect(report.drifts).toEqual([]);
  expect(report.poolsChecked).toBeGreaterThan(0);
  const { rows } = await service.database.pool.query(
    `select on_hand, reserved from stock_pool where sku = 'SHOE' and warehouse = 'W1'`,
  );
  expect(rows).toEqual([{ on_hand: ON_HAND - 3, reserved: 3 }]);
});
