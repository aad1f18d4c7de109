import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hunt, type Verdict } from './hunt.ts';
import { MUTANTS } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');

/** `npm run mutants [-- NAME…]`: every planted bug must be caught; the results go to `results/mutants.json`. */
const names = process.argv.slice(2);
const unknown = names.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) throw new RangeError(`There is no planted bug ${unknown.join(', ')}.`);
const chosen = MUTANTS.filter((mutant) => names.length === 0 || names.includes(mutant.name));

say(`checking that ${chosen.length} tests pass without a bug`);
const verdicts = await hunt(chosen, (verdict) => say(lineOf(verdict)));
const escaped = verdicts.filter((verdict) => verdict.verdict !== 'caught');
mkdirSync(join(ROOT, 'results'), { recursive: true });
writeFileSync(
  join(ROOT, 'results', 'mutants.json'),
  `${JSON.stringify({ commit: currentCommit(), caught: verdicts.length - escaped.length, of: verdicts.length, verdicts }, null, 2)}\n`,
);
say(`${verdicts.length - escaped.length} of ${verdicts.length} planted bugs were caught`);
process.exit(escaped.length === 0 ? 0 : 1);

function lineOf({ mutant, verdict, file, detail, durationMs }: Verdict): string {
  return `${verdict.padEnd(8)} ${mutant} in ${durationMs} ms by ${file}${verdict === 'caught' ? '' : `: ${detail}`}`;
}

/** Empty where this is no checkout. */
function currentCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
