import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MUTANTS } from '../mutants/mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
const REAL = /\.(pg|nats|e2e)\.test\.ts$/;

/** A group of tests or a test whose title, the first text after its call, begins with the number of a requirement. */
const NUMBERED = /\b(?:describe|test|it)(?:\.each)?\b[^'"`]*?\(\s*(?:'|"|`)([RP]\d{1,2}): /g;

/** What shows of one requirement that it holds. */
export interface Proof {
  /** Files with a test on real servers whose name begins with the number. */
  readonly tests: readonly string[];
  /** Planted bugs that such a test has to notice. */
  readonly mutants: readonly string[];
}

/** The proofs of requirements by their numbers, as the titles of tests and the list of planted bugs tell them. */
export function readProofs(): Map<string, Proof> {
  const proofs = new Map<string, { tests: Set<string>; mutants: Set<string> }>();
  const of = (number: string) => {
    const known = proofs.get(number) ?? { tests: new Set<string>(), mutants: new Set<string>() };
    proofs.set(number, known);
    return known;
  };
  for (const file of realTests()) {
    for (const number of numbersIn(readFileSync(join(ROOT, file), 'utf8'))) of(number).tests.add(file);
  }
  for (const { name, file, title } of MUTANTS) {
    const number = /^([RP]\d{1,2}): /.exec(title)?.[1];
    if (number !== undefined && REAL.test(file)) of(number).mutants.add(name);
  }
  return new Map(
    [...proofs].map(([number, { tests, mutants }]) => [number, { tests: [...tests], mutants: [...mutants] }]),
  );
}

/** The numbers that titles in the text of a test file begin with. */
export function numbersIn(text: string): string[] {
  return [...text.matchAll(NUMBERED)].map((match) => match[1] ?? '');
}

function realTests(): string[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && REAL.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}
