import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { runHistories, seedsFrom } from './run.ts';

const HISTORIES = 2_000;
const LANES = 3;
const RACE_SECONDS = '60';
const ROOT = join(import.meta.dirname, '../..');

/**
 * The long run: four times the histories of `npm test` on a PostgreSQL of its own, then the races for a full minute.
 * Writes what it did to `results/simulation.json`; exits with 1 where anything failed.
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
  return runRaces();
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

function runRaces(): number {
  const { status } = spawnSync('vitest', ['run', '--project', 'real', 'test/races'], {
    cwd: ROOT,
    env: { ...process.env, EARMARK_RACE_SECONDS: RACE_SECONDS },
    stdio: 'inherit',
  });
  return status ?? 1;
}

process.exitCode = await main();
