import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hunt } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { mutate } from './mutated-copy.ts';

const HUNT_TIMEOUT_MS = 90_000;
/** The others are as sure, and are hunted by `npm run mutants`. */
const QUICK = ['no-row-lock', 'overtaken-milestone', 'simulation-forgets-what-was-asked'];

test('every patch has a test that has to notice it, and every such test has its patch', () => {
  const patches = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.patch'));
  expect(patches.toSorted()).toEqual(MUTANTS.map((mutant) => `${mutant.name}.patch`).toSorted());
  expect(patches.length).toBeGreaterThanOrEqual(6);
});

test.each(MUTANTS.map((mutant) => mutant.name))('%s still applies', (name) => {
  expect(mutate(name).size).toBeGreaterThan(0);
});

test(
  'planted bugs are caught',
  async () => {
    const chosen = MUTANTS.filter((mutant) => QUICK.includes(mutant.name));
    const verdicts = await hunt(chosen, () => undefined);
    expect(verdicts.map(({ mutant, verdict }) => [mutant, verdict]).toSorted()).toEqual(
      QUICK.toSorted().map((name) => [name, 'caught']),
    );
  },
  HUNT_TIMEOUT_MS,
);
