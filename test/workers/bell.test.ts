import { expect, test } from 'vitest';
import { createBell } from '../../src/workers/bell.ts';

test('a wait until a moment that has just passed is over, without a warning', async () => {
  const warnings: Error[] = [];
  const keep = (warning: Error) => warnings.push(warning);
  // Node warns once in the life of a process, so a second such case in this file could not fail.
  process.on('warning', keep);
  try {
    await createBell().wait(-0.2, new AbortController().signal);
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', keep);
  }
  expect(warnings).toEqual([]);
});
