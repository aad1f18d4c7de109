import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { serialItems } from '../support/serial-items.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';
import { SeededRandom } from './random.ts';
import { seedsFrom } from './run.ts';
import { brokenUnits, SerialHistory } from './serial-histories.ts';

const HISTORIES = 40;
const STEPS = 30;

let both: TwoServices;

beforeAll(async () => {
  both = await openTwoServices('serial_histories', ['PLAIN'], 1);
});

afterAll(async () => {
  await both.close();
});

/**
 * Commands that name serial units or count them, over two processes: every unit is where the pools and the reservations
 * say, held once at most, and missing only where it is gone and none is free.
 */
test('I3: random histories of serial units leave each where it is said to be', { timeout: 300_000 }, async () => {
  const { pool } = both.one.database;
  for (const seed of seedsFrom(process.env, HISTORIES)) {
    const sku = await serialItems(both.one).serial(0);
    const history = new SerialHistory([both.one, both.two], new SeededRandom(seed), sku);
    const told: string[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      told.push(await history.step());
      expect(await brokenUnits(pool, sku), `seed ${seed}: ${told.join(', ')}`).toEqual([]);
    }
  }
  expect((await createLedgerAuditor(pool).verify()).drifts).toEqual([]);
});
