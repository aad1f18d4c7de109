import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fulfilledUnits } from '../../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../../src/persistence/ledger-auditor.ts';
import type { Outcome } from '../../../src/ports.ts';
import { fulfilReservation } from '../../../src/use-cases/resolve.ts';
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
import { holdPools } from './held-pools.ts';

let database: TestDatabase;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('mutants');
  one = await openTestService(database.url);
  two = await openTestService(database.url);
  await stockUp(one, ['LAST'], 1);
  await stockUp(one, ['PLENTY'], 10);
});

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await database.drop();
});

/** Lets both processes come as far as they can while a stranger holds the pools, and then go on together. */
async function meetAt<T>(sku: string, first: () => Promise<T>, second: () => Promise<T>): Promise<T[]> {
  const held = await holdPools(database.url, sku);
  const running = Promise.all([first(), second()]);
  try {
    await held.waitForBlocked(2);
  } finally {
    await held.letGo();
  }
  return await running;
}

test('R1: two processes that both want all there is: one gets it, and the ledger shows one', async () => {
  const want = () => reserveInput([{ sku: 'LAST', quantity: 2 }]);
  const outcomes = await meetAt(
    'LAST',
    () => reserveOne(one, want()),
    () => reserveOne(two, want()),
  );
  expect(outcomes.map((outcome) => outcome.ok).toSorted()).toEqual([false, true]);
  const report = await createLedgerAuditor(one.database.pool).verify();
  expect(report.drifts).toEqual([]);
});

test('R10: two processes that get one request at once do it once and give one answer', async () => {
  const reserved = await reserveOne(one, reserveInput([{ sku: 'PLENTY', quantity: 2 }]));
  const input = {
    requestId: randomUUID(),
    contentHash: CONTENT_HASH,
    target: { by: 'reservation' as const, id: reservationOf(reserved)?.reservationId ?? '' },
    lines: [{ lineNumber: 1, quantity: 1 }],
    close: false,
  };
  const outcomes = await meetAt(
    'PLENTY',
    () => fulfilReservation(one, input, CALL),
    () => fulfilReservation(two, input, CALL),
  );
  expect(outcomes.map((outcome) => outcome.ok && outcome.replayed).toSorted()).toEqual([false, true]);
  const [first, second] = outcomes.map(reservationOf);
  expect(first).toEqual(second);
  expect(first?.lines.map(fulfilledUnits)).toEqual([1]);
});

function reservationOf(outcome: Outcome) {
  return outcome.ok && outcome.answer.kind === 'reservation' ? outcome.answer.reservation : null;
}
