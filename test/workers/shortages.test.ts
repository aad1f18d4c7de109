import { expect, test } from 'vitest';
import type { PoolRef } from '../../src/domain/working-set.ts';
import { startShortages } from '../../src/workers/shortages.ts';

const POOL: PoolRef = { sku: 'A', warehouse: 'W1' };

test('what one commit left is gone on with at once, and looked for from time to time', async () => {
  const left: (readonly PoolRef[])[] = [[POOL, { sku: 'B', warehouse: 'W2' }], [POOL], []];
  const settled: string[] = [];
  const pauses: number[] = [];
  const over = Promise.withResolvers<void>();
  const worker = startShortages({
    shortages: { unsettled: async () => left.shift() ?? [] },
    unitOfWork: {
      submit: async (commands, { lane }) => {
        settled.push(...commands.map(({ name, needs }) => `${lane} ${name} ${needs.skus.join()}`));
        return [];
      },
    },
    pause: async (ms) => {
      pauses.push(ms);
      if (pauses.length === 3) over.resolve();
      if (pauses.length >= 3) await new Promise((resolve) => setImmediate(resolve));
    },
    onFailure: (error) => {
      throw error;
    },
  });
  await over.promise;
  await worker.stop();
  expect(settled).toEqual(['A', 'B', 'A'].map((sku) => `background settle-shortage ${sku}`));
  expect(pauses.slice(0, 3)).toEqual([5, 5, 1_000]);
});
