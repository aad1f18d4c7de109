import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTANTS } from '../mutants/mutants.ts';
import { numbersIn, readProofs } from './proof.ts';

const range = (letter: string, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => `${letter}${first + at}`);

const REQUIRED = [...range('R', 1, 20), ...range('P', 21, 26)];

/** Not yet shown; a number leaves this list when it has its test and its planted bug. */
const MISSING = ['P23'];

const proofs = readProofs();

test.each(REQUIRED.filter((number) => !MISSING.includes(number)))(
  '%s has a test on real servers and a planted bug that the test has to notice',
  (number) => {
    expect(proofs.get(number)?.tests ?? []).not.toEqual([]);
    expect(proofs.get(number)?.mutants ?? []).not.toEqual([]);
  },
);

test('every number is explained', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/requirements.md'), 'utf8');
  expect([...page.matchAll(/^\| ([RP]\d+) \|/gm)].map((row) => row[1])).toEqual(REQUIRED);
});

test('what is listed as missing is missing', () => {
  const shown = MISSING.filter((number) => {
    const { tests, mutants } = proofs.get(number) ?? { tests: [], mutants: [] };
    return tests.length > 0 && mutants.length > 0;
  });
  expect(shown).toEqual([]);
});

test('no test and no planted bug is named for a requirement there is none of', () => {
  expect([...proofs.keys()].filter((number) => !REQUIRED.includes(number))).toEqual([]);
});

test.each(MUTANTS.filter(({ title }) => /^[RP]\d/.test(title)))(
  'the test that has to notice $name is there',
  (mutant) => {
    const text = readFileSync(join(import.meta.dirname, '../..', mutant.file), 'utf8');
    expect(numbersIn(text)).toContain(mutant.title.slice(0, mutant.title.indexOf(':')));
  },
);

test('numbers are found where titles begin with them, and nowhere else', () => {
  const text = `
    describe('R1: of all', () => { test('R2 of none', run); });
    test.each(ENDS)('R3: of each', run);
    it.each(['R4: x'])('of none', run);
    test(
      'P21: on a line of its own', run);
    // as 'R5: is said' here
    expect(x).toBe('R6: y');`;
  expect(numbersIn(text)).toEqual(['R1', 'R3', 'P21']);
});
