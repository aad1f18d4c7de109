import { expect, test } from 'vitest';
import type { Command } from '../../src/ports.ts';
import { startWaitlist } from '../../src/workers/waitlist.ts';

/** Runs some steps of the worker over SKUs of which a unit serves so many lines, and says what it did. */
async function steps(count: number, waiting: readonly string[], served: number) {
  const asked: string[] = [];
  const promoted: string[] = [];
  const pauses: number[] = [];
  const enough = Promise.withResolvers<void>();
  const worker = startWaitlist({
    waitlist: {
      servableSkus: async (after, limit) => {
        asked.push(after);
        return waiting.filter((sku) => sku > after).slice(0, limit);
      },
    },
    unitOfWork: {
      submit: async (commands: readonly Command[]) => {
        promoted.push(...commands.flatMap((command) => command.needs.skus));
        return commands.map(() => ({ ok: true, replayed: false, answer: { kind: 'swept', count: served } }));
      },
    },
    pause: async (ms) => {
      pauses.push(ms);
      if (pauses.length === count) enough.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
    onFailure: () => undefined,
  });
  await enough.promise;
  await worker.stop();
  return { asked: asked.slice(0, count), promoted, pauses: pauses.slice(0, count) };
}

const SKUS = Array.from({ length: 120 }, (_, at) => `sku-${String(at).padStart(3, '0')}`);

test('R19: goes round all SKUs, so that one nobody can be served from keeps no other from its turn', async () => {
  const { asked, promoted, pauses } = await steps(4, SKUS, 0);
  expect(asked).toEqual(['', 'sku-049', 'sku-099', '']);
  expect(new Set(promoted)).toEqual(new Set(SKUS));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
});

test('R19: goes on at once where somebody was served, for there may be more', async () => {
  const { asked, pauses } = await steps(3, SKUS, 1);
  expect(asked).toEqual(['', '', '']);
  expect(Math.max(...pauses)).toBeLessThan(100);
});

test('sleeps where nobody waits', async () => {
  const { promoted, pauses } = await steps(2, [], 0);
  expect(promoted).toEqual([]);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
});
