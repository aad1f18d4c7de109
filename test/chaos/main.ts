import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../simulation/random.ts';
import { FAULTS, type Fault } from './faults.ts';
import { type RoundReport, runRound } from './round.ts';

const RESULTS = join(import.meta.dirname, '../../results');
const FAULTS_A_ROUND = 3;

/** `npm run chaos -- --seed N --rounds M [--fault NAME]…`: rounds of faults; the results go to `results/chaos.json`. */
const { seed, rounds, only } = readFlags();
// An exit, unlike a signal, takes the processes of the world along.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
const reports: RoundReport[] = [];
const troubles: string[] = [];
for (let at = 0; at < rounds; at += 1) {
  const faults = only.length > 0 ? only : chooseFaults(seed + at);
  say(`round ${at + 1} of ${rounds}, seed ${seed + at}: ${faults.join(', ')}`);
  try {
    const report = await runRound(seed + at, faults);
    reports.push(report);
    say(summaryOf(report));
    if (report.violations.length > 0) keepHistory(report);
    troubles.push(...report.violations.map((violation) => `seed ${report.seed}: ${violation}`));
  } catch (error) {
    troubles.push(`seed ${seed + at}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
for (const trouble of troubles) say(trouble);
writeResults();
process.exit(troubles.length === 0 ? 0 : 1);

function readFlags() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      fault: { type: 'string', multiple: true, default: [] },
    },
  });
  const named = values.fault.map((name) => {
    const fault = FAULTS.find((known) => known === name);
    if (fault === undefined) throw new RangeError(`--fault is one of ${FAULTS.join(', ')}`);
    return fault;
  });
  const [first, count] = [Number(values.seed), Number(values.rounds)];
  if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1) {
    throw new RangeError('--seed and --rounds are whole numbers, --rounds at least 1');
  }
  return { seed: first, rounds: count, only: named };
}

function chooseFaults(roundSeed: number): Fault[] {
  const random = new SeededRandom(roundSeed);
  return Array.from({ length: FAULTS_A_ROUND }, () => random.pick(FAULTS));
}

function summaryOf(report: RoundReport): string {
  const healed = report.faults.map(
    (one) => `${one.fault} mended in ${one.mendedInMs} ms, served ${one.servingInMs} ms later`,
  );
  return [
    `  ${report.calls} calls, ${report.acknowledged} acknowledged, ${report.refused} refused,`,
    `${report.unknownCallsResolved} resolved after ${report.unknownAttempts} attempts without an answer;`,
    `lost ${report.lost}, drift ${report.drift}, violations ${report.violations.length};`,
    `the warehouse agreed after ${report.warehouseAgreedInMs} ms; ${healed.join('; ')}`,
  ].join(' ');
}

function keepHistory(report: RoundReport): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `chaos-history-${report.seed}.jsonl`), report.history);
}

function writeResults(): void {
  const sum = (pick: (report: RoundReport) => number) => reports.reduce((total, report) => total + pick(report), 0);
  const result = {
    commit: currentCommit(),
    seeds: reports.map((report) => report.seed),
    faults: sum((report) => report.faults.length),
    calls: sum((report) => report.calls),
    acknowledged: sum((report) => report.acknowledged),
    unknownResolved: sum((report) => report.unknownCallsResolved),
    lost: sum((report) => report.lost),
    drift: sum((report) => report.drift),
    troubles,
    rounds: reports.map(({ history: _, violations, ...rest }) => ({ ...rest, violations: violations.length })),
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'chaos.json'), `${JSON.stringify(result, null, 2)}\n`);
}

/** Empty where this is no checkout. */
function currentCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: import.meta.dirname,
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
