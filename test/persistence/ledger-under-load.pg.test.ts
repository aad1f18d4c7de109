import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { extendReservation, fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { countStock } from '../../src/use-cases/stock.ts';
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

const SKUS = ['A', 'B', 'C', 'D'];
const CALLERS = 16;
const AUDITS = 8;

let database: TestDatabase;
let services: TestService[];

beforeAll(async () => {
  database = await createTestDatabase('load');
  services = [await openTestService(database.url), await openTestService(database.url)];
  await stockUp(services[0]!, SKUS, 10_000);
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.close()));
  await database.drop();
});

/** Reserves and then does one of everything, until told to stop. Answers how many were reserved. */
async function keepBusy(service: TestService, caller: number, going: () => boolean): Promise<number> {
  let reserved = 0;
  for (let turn = caller; going(); turn += 1) {
    const sku = SKUS[turn % SKUS.length]!;
    const other = SKUS[(turn + 1) % SKUS.length]!;
    const input = reserveInput([{ sku }, { sku: other, quantity: 2, orderLineId: 'line-2' }], {
      orderId: `order-${turn % 50}`,
      exchangeId: `exchange-${caller}-${turn % 20}`,
      holdWindowMs: turn % 7 === 0 ? 1_000 : null,
    });
    const outcome = await reserveOne(service, input);
    if (outcome.ok) reserved += 1;
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' };
    const target = { by: 'exchange' as const, id: input.exchangeId };
    const lines = [{ lineNumber: 1, quantity: 1 }];
    const next = [
      () => releaseReservation(service, { ...key, target, reason: 'CANCELLED', note: '' }, CALL),
      () => fulfilReservation(service, { ...key, target, lines, close: turn % 2 === 0 }, CALL),
      () => extendReservation(service, { ...key, target, expireAt: Date.now() + 40 * 86_400_000 }, CALL),
      () => countStock(service, { ...key, reason: 'count', counts: [countOf(sku, turn)] }, CALL),
    ];
    await next[turn % next.length]!();
  }
  return reserved;
}

function countOf(sku: string, turn: number) {
  return {
    sku,
    warehouse: 'W2',
    onHand: 9_000 + turn,
    unavailable: turn % 5,
    committed: turn % 3,
    expectedOnHand: null,
    countedAt: null,
    netOfReserved: false,
  };
}

test('commits between the reads of an audit are no drift', async () => {
  let auditing = true;
  const load = Promise.all(
    Array.from({ length: CALLERS }, (_, caller) => keepBusy(services[caller % 2]!, caller, () => auditing)),
  );
  const auditor = createLedgerAuditor(services[0]!.database.pool, { chunkSize: 20 });
  const reports = [];
  for (let at = 0; at < AUDITS; at += 1) reports.push(await auditor.verify());
  auditing = false;
  const reserved = (await load).reduce((sum, count) => sum + count, 0);
  const last = await auditor.verify();
  expect([...reports, last].flatMap((report) => report.drifts)).toEqual([]);
  expect(reports.at(-1)!.reservationsChecked).toBeGreaterThan(reports[0]!.reservationsChecked);
  expect(last.reservationsChecked).toBe(reserved);
  expect(services.flatMap((service) => service.failures)).toEqual([]);
});
