import { expect } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { MOVABLE_CLOCK_SQL, SET_CLOCK_SQL } from './engine.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { openTestService, stockUp, type TestService } from './test-service.ts';

/** Two processes over one database of a test's own. */
export interface TwoServices {
  readonly database: TestDatabase;
  readonly one: TestService;
  readonly two: TestService;
  /** Lets the database's clock stand at an instant, in milliseconds since the Unix epoch, until it is set again. */
  setClock(now: number): Promise<void>;
  /** Closes both, removes the database and expects its ledger to have been without drift. */
  close(): Promise<void>;
}

/** With `onHand` of each SKU in W1 and in W2. */
export async function openTwoServices(name: string, skus: readonly string[], onHand: number): Promise<TwoServices> {
  const database = await createTestDatabase(name);
  const [one, two] = await Promise.all([openTestService(database.url), openTestService(database.url)]);
  await stockUp(one, skus, onHand);
  const close = async () => {
    const report = await createLedgerAuditor(one.database.pool).verify();
    await Promise.all([one.close(), two.close()]);
    await database.drop();
    expect(report.drifts).toEqual([]);
  };
  let isMovable = false;
  const setClock = async (now: number) => {
    if (!isMovable) await one.database.pool.query(MOVABLE_CLOCK_SQL);
    isMovable = true;
    await one.database.pool.query(SET_CLOCK_SQL, [now]);
  };
  return { database, one, two, setClock, close };
}
