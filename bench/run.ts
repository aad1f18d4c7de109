import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBenchmark } from './benchmark.ts';
import { type BenchOptions, FULL, QUICK, TINY } from './options.ts';
import { type BenchReport, formatProof, formatTable } from './report.ts';

const RESULT_FILE = new URL('./results/bench.json', import.meta.url);
const DOCUMENT = new URL('../docs/benchmarks.md', import.meta.url);
const QUOTE = /(<!-- figures -->\n)[\s\S]*?(<!-- end of figures -->)/;
const LOAD_GENERATOR = 'bench/load (raw HTTP/2)';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    // Only the cases whose name holds this text; such a run is not recorded.
    only: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
});

const say = (text: string) => process.stderr.write(`${text}\n`);
const report = await measure();
process.stdout.write(`${formatTable(report.cases)}\n\n${formatProof(report)}\n`);
if (!values.tiny && values.only === undefined) {
  await mkdir(new URL('.', RESULT_FILE), { recursive: true });
  await writeFile(RESULT_FILE, `${JSON.stringify(report, null, 2)}\n`);
  await quote(report);
}

async function measure(): Promise<BenchReport> {
  sayWhatLoads();
  const startedAt = new Date();
  const loadAverageBefore = loadavg()[0] ?? 0;
  const options = chosenOptions();
  const profile = values['cpu-prof'];
  const outcome = await runBenchmark(options, {
    onProgress: say,
    serviceNodeArguments: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
  });
  return {
    ...outcome,
    startedAt: startedAt.toISOString(),
    durationS: Math.round((Date.now() - startedAt.getTime()) / 1_000),
    commit: readCommit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      kernel: release(),
      node: process.version,
      loadAverageBefore,
    },
    loadGenerator: LOAD_GENERATOR,
  };
}

function chosenOptions(): BenchOptions {
  const options = values.tiny ? TINY : values.full ? FULL : QUICK;
  const cases = options.cases.filter((each) => each.name.includes(values.only ?? ''));
  if (cases.length === 0) throw new Error(`no case is named like "${values.only}"`);
  return { ...options, cases };
}

/** h2load sends one body again and again; with request ids that would measure replays and not reservations. */
function sayWhatLoads(): void {
  const found = (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, 'h2load')));
  const why = found ? '; h2load is here, but cannot give each request an id of its own' : '';
  say(`load generator: ${LOAD_GENERATOR}${why}`);
}

function readCommit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', timeout: 10_000 }).trim();
    return (
      git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'adapters', 'bench') === '' ? '' : '+')
    );
  } catch {
    return 'unknown';
  }
}

/** Keeps the document and the file of results the same. */
async function quote(result: BenchReport): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const facts = `${result.startedAt.slice(0, 10)}, commit ${result.commit.slice(0, 12)}, ${result.machine.cores} cores, Node ${result.machine.node}, PostgreSQL ${result.postgresVersion}, ${result.cases[0]?.service.throughputs.length ?? 0} rounds a case.`;
  await writeFile(
    DOCUMENT,
    text.replace(QUOTE, `$1\n${facts}\n\n${formatTable(result.cases)}\n\n${formatProof(result)}\n\n$2`),
  );
}
