import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../../src/persistence/ledger-auditor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { openTestService, reserveInput, reserveOne, stockUp, type TestService } from '../../support/test-service.ts';
import { holdPools } from './held-pools.ts';

let database: TestDatabase;
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('mutants');
  one = await openTestService(database.url);
  two = await openTestService(database.url);
  await stockUp(one, ['LAST', 'PLENTY'], 1);
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

test('two processes that both want all there is: one gets it, and the ledger shows one', async () => {
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

test('two processes that get one request at once give one answer', async () => {
  const input = reserveInput([{ sku: 'PLENTY' }]);
  const outcomes = await meetAt(
    'PLENTY',
    () => reserveOne(one, input),
    () => reserveOne(two, input),
  );
  expect(outcomes.map((outcome) => (outcome.ok ? outcome.replayed : outcome.refusal.reason)).toSorted()).toEqual([
    false,
    true,
  ]);
  const answers = outcomes.map((outcome) => (outcome.ok ? outcome.answer : null));
  expect(answers[0]).toEqual(answers[1]);
});
