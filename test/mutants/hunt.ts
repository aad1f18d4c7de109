import type { Mutant } from './mutants.ts';
import { copyProject, type MutatedCopy } from './mutated-copy.ts';
import { runTests, type TestOutcome } from './run-tests.ts';

export interface Verdict {
  readonly mutant: string;
  readonly file: string;
  readonly title: string;
  /** `caught`: the test failed by an assertion. `broken`: it could not even run, which proves nothing. */
  readonly verdict: 'caught' | 'survived' | 'does not apply' | 'broken';
  readonly detail: string;
  readonly durationMs: number;
}

const DETAIL_CHARACTERS_MAX = 300;

/**
 * Plants each bug in a copy of the project and runs the test that has to notice it.
 * @throws Error where such a test does not pass, or is not found, without the bug
 */
export async function hunt(mutants: readonly Mutant[], onVerdict: (verdict: Verdict) => void): Promise<Verdict[]> {
  const copy = copyProject();
  try {
    await checkHealthy(copy, mutants);
    const verdicts: Verdict[] = [];
    for (const mutant of mutants) {
      const startedAt = performance.now();
      const found = await judge(copy, mutant);
      const verdict = { mutant: mutant.name, file: mutant.file, title: mutant.title, ...found };
      verdicts.push({ ...verdict, durationMs: Math.round(performance.now() - startedAt) });
      onVerdict(verdicts.at(-1) as Verdict);
    }
    return verdicts;
  } finally {
    copy.remove();
  }
}

async function checkHealthy(copy: MutatedCopy, mutants: readonly Mutant[]): Promise<void> {
  const outcomes = await runTests(copy.directory, [...new Set(mutants.map((mutant) => mutant.file))], '');
  const sick = outcomes.find((outcome) => outcome.status !== 'passed');
  if (sick !== undefined) throw new Error(`without a bug, ${sick.file} ${sick.title} fails: ${sick.failure}`);
  for (const { name, file, title } of mutants) {
    const isThere = outcomes.some((outcome) => outcome.file.endsWith(file) && outcome.title.includes(title));
    if (!isThere) throw new Error(`${file} has no test "${title}" to notice ${name}`);
  }
}

async function judge(copy: MutatedCopy, mutant: Mutant): Promise<Pick<Verdict, 'verdict' | 'detail'>> {
  try {
    copy.plant(mutant.name);
  } catch (error) {
    return { verdict: 'does not apply', detail: error instanceof Error ? error.message : String(error) };
  }
  try {
    return verdictOf(await runTests(copy.directory, [mutant.file], mutant.title));
  } finally {
    copy.heal();
  }
}

function verdictOf(outcomes: readonly TestOutcome[]): Pick<Verdict, 'verdict' | 'detail'> {
  const caught = outcomes.find((outcome) => outcome.status === 'failed' && outcome.failure.includes('AssertionError'));
  if (caught !== undefined) return { verdict: 'caught', detail: shortened(caught) };
  const other = outcomes.find((outcome) => outcome.status !== 'passed');
  if (other !== undefined || outcomes.length === 0) {
    return { verdict: 'broken', detail: other === undefined ? 'no test ran' : shortened(other) };
  }
  return { verdict: 'survived', detail: '' };
}

function shortened({ title, failure }: TestOutcome): string {
  return `${title}: ${failure.split('\n')[0]}`.slice(0, DETAIL_CHARACTERS_MAX);
}
