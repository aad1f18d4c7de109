import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { runHistories, seedsFrom } from './run.ts';

const HISTORIES = 500;
const LANES = 3;

/**
 * Commands of all kinds in random order, alone, in batches and from two processes at once, on real PostgreSQL with a
 * clock that moves: after every step the service answers and stores what the model says, and all invariants hold.
 */
test('random histories equal the model and keep every invariant', { timeout: 600_000 }, async () => {
  const seeds = seedsFrom(process.env, HISTORIES);
  const databases = await Promise.all(
    Array.from({ length: Math.min(LANES, seeds.length) }, () => createTestDatabase('simulation')),
  );
  try {
    const urls = databases.map((database) => database.url);
    const report = await runHistories(urls, seeds);
    expect(report.failures.join('\n\n')).toBe('');
    expect(report.histories).toBe(seeds.length);
    process.stdout.write(`${JSON.stringify({ ...report, failures: report.failures.length })}\n`);
  } finally {
    for (const database of databases) await database.drop();
  }
});
