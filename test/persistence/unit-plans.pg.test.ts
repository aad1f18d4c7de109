import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RuleSet } from '../../src/domain/rule-book.ts';
import { type Database, openDatabase } from '../../src/persistence/database.ts';
import { DUE_LOOKED_AT_FIRST_MAX, DUE_LOOKED_AT_MAX, readDue } from '../../src/persistence/due-reservations.ts';
import { readMilestones, readMovedSince } from '../../src/persistence/locked-reads.ts';
import { lockPools, lockReservations } from '../../src/persistence/locks.ts';
import { updateAllocations, updateReservations } from '../../src/persistence/reservation-writes.ts';
import { pipeline, type Statement } from '../../src/persistence/statements.ts';
import { poolStatements } from '../../src/persistence/stock-writes.ts';
import { leaveQueues, readQueues } from '../../src/persistence/waitlist-rows.ts';
import { A_CAUSE, aLevel } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet } from '../support/deciding.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase('plans');
  database = await openDatabase(testDatabase.url);
});

afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const locks = { wantedSkus: ['A'], wantedOrderIds: ['O'], skus: ['A'] };

/** Every statement of a unit that looks rows up. */
const STATEMENTS: readonly Statement[] = [
  lockPools(['A']),
  ...lockReservations(['00000000-0000-7000-8000-000000000001']),
  readMilestones(['00000000-0000-7000-8000-000000000001']),
  readDue(locks, DUE_LOOKED_AT_FIRST_MAX),
  readDue(locks, DUE_LOOKED_AT_MAX),
  readDue(locks, 0),
  readQueues(['A']),
  readMovedSince([{ sku: 'A', warehouse: 'W1', since: 1 }]),
  ...changedPool(aRuleSet()),
  ...changedPool(aRuleSet({ version: 2 })),
  updateReservations([]),
  ...updateAllocations([]),
  leaveQueues([]),
];

function changedPool(ruleSet: RuleSet): Statement[] {
  const work = aWorkingSet({ ruleSet });
  work.move(aLevel({ onHand: 11 }), 'ADJUSTED', A_CAUSE);
  return poolStatements(work);
}

/** The plan every execution uses, made as early as it can be: while the tables are empty. */
async function planOf(statement: Statement): Promise<string> {
  const client = await database.unitPool.connect();
  try {
    const text = `explain (generic_plan, costs off) ${statement.text}`;
    const result = await client.query<{ 'QUERY PLAN': string }>(text);
    return result.rows.map((row) => row['QUERY PLAN']).join('\n');
  } finally {
    client.release();
  }
}

describe('a statement of a unit finds its rows by index, also as planned on empty tables', () => {
  test.each(STATEMENTS.map((statement) => [statement.name, statement] as const))('%s', async (_, statement) => {
    const plan = await planOf(statement);
    expect(plan).toMatch(/Index Scan/);
    expect(plan).not.toMatch(/Seq Scan|Hash Join|Merge Join/);
  });
});

test('the plan is made once for all executions', async () => {
  const client = await database.unitPool.connect();
  try {
    for (let time = 0; time < 3; time += 1) await pipeline(client, 'test', [lockPools(['A'])]);
    const kept = await client.query<{ generic_plans: string; custom_plans: string }>(
      "select generic_plans, custom_plans from pg_prepared_statements where name = 'lock-pools'",
    );
    expect(kept.rows).toEqual([{ generic_plans: '3', custom_plans: '0' }]);
  } finally {
    client.release();
  }
});
