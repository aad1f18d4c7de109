import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { runHistories, seedsFrom } from './run.ts';

const HISTORIES = 20_000;
const LANES = 3;
const RACE_SECONDS = '60';
const HOLDS = '100000';
const MANY_HOLDS = 'test/races/many-holds.e2e.test.ts';
const ROOT = join(import.meta.dirname, '../..');

/**
 * The long run: forty times the histories of `npm test` on a PostgreSQL of its own, then 100,000 reservations of one SKU
 * that fall due at once, then the races for a full minute. Writes what it did to `results/simulation.json` and
 * `results/scale.json`; exits with 1 where anything failed.
 */
async function main(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-scale-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: 0, durable: false });
  const seeds = seedsFrom(process.env, HISTORIES);
  const startedFrom = commit();
  try {
    const urls = await createDatabases(postgres.url, Math.min(LANES, seeds.length));
    const report = await runHistories(urls, seeds);
    writeResults({ commit: startedFrom, seeds: [seeds[0], seeds.at(-1)], ...report });
    process.stdout.write(
      `${report.failures.join('\n\n')}\n${JSON.stringify({ ...report, failures: report.failures.length })}\n`,
    );
    if (report.failures.length > 0) return 1;
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  const file = join(ROOT, 'results/scale.json');
  writeFileSync(file, `${JSON.stringify({ commit: startedFrom }, null, 2)}\n`);
  // By itself, as it measures how long callers wait.
  return runRaces(file, [MANY_HOLDS]) || runRaces(file, ['test/races', '--exclude', MANY_HOLDS]);
}

async function createDatabases(adminUrl: string, count: number): Promise<string[]> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const urls: string[] = [];
  for (let lane = 0; lane < count; lane += 1) {
    await admin.query(`create database lane_${lane}`);
    const url = new URL(adminUrl);
    url.pathname = `/lane_${lane}`;
    await migrate(url.href);
    urls.push(url.href);
  }
  await admin.end();
  return urls;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function writeResults(results: object): void {
  mkdirSync(join(ROOT, 'results'), { recursive: true });
  writeFileSync(join(ROOT, 'results/simulation.json'), `${JSON.stringify(results, null, 2)}\n`);
}

function runRaces(resultsFile: string, args: readonly string[]): number {
  const sizes = { EARMARK_RACE_SECONDS: RACE_SECONDS, EARMARK_HOLDS: HOLDS, EARMARK_SCALE_RESULTS: resultsFile };
  const { status } = spawnSync('vitest', ['run', '--project', 'real', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...sizes },
    stdio: 'inherit',
  });
  return status ?? 1;
}

process.exitCode = await main();
