import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { createPastCases } from '../../src/persistence/past-cases.ts';
import { createRulesReader } from '../../src/persistence/rules-reader.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { simulateRules } from '../../src/use-cases/simulate-rules.ts';
import { NO_FACTS } from '../support/arbitraries.ts';
import { CALL, openTestService, reserveInput, stockUp, type TestService } from '../support/test-service.ts';

const ROOT = join(import.meta.dirname, '../..');
const CASES = 100_000;
const SKUS = Array.from({ length: 50 }, (_, at) => `SKU-${at}`);
const BATCH = 250;
const PAGE = 5_000;

/** A rule in the language of rules, so that each case is really asked. */
const RULE = {
  name: 'gold-or-soon',
  expression:
    'facts.customer_tier == "GOLD" || !has(facts.delivered_time) || now - facts.delivered_time < duration("720h")',
  customerMessage: '',
  staffMessage: '',
};

/** Tries a draft on 100,000 past cases while others reserve. Writes `results/rule-simulation.json`. */
async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-rules-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: 0, durable: true });
  await migrate(postgres.url);
  const service = await openTestService(postgres.url);
  try {
    await stockUp(service, SKUS, 1_000_000);
    for (let made = 0; made < CASES; made += BATCH) await reserveBatch(service, BATCH);
    await service.database.pool.query('begin; set local statement_timeout = 0; analyze; commit');
    const alone = await reserveFor(service, 5_000);
    const quiet = await simulateAll(service);
    const simulating = simulateAll(service);
    const beside = await reserveWhile(service, simulating);
    const results = {
      commit: commit(),
      cases: CASES,
      alone: quiet,
      besideReserves: await simulating,
      reserveMs: { alone, beside },
    };
    mkdirSync(join(ROOT, 'results'), { recursive: true });
    writeFileSync(join(ROOT, 'results/rule-simulation.json'), `${JSON.stringify(results, null, 2)}\n`);
    process.stdout.write(`${JSON.stringify(results)}\n`);
  } finally {
    await service.close();
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function reserveBatch(service: TestService, size: number): Promise<void> {
  const inputs = Array.from({ length: size }, (_, at) => {
    const customerTier = at % 3 === 0 ? 'GOLD' : 'SILVER';
    const facts = { ...NO_FACTS, reason: 'SIZE', customerTier, deliveredAt: Date.now() - at * 86_400_000 * 0.3 };
    return reserveInput([{ sku: SKUS[at % SKUS.length] ?? '' }], { facts, customerRef: '' });
  });
  const outcomes = await reserve(service, inputs, CALL);
  if (outcomes.some((outcome) => !outcome.ok)) throw new Error('a reservation was refused');
}

async function simulateAll(service: TestService) {
  const { pool, orm } = service.database;
  const rules = createRulesReader(pool, () => performance.now());
  const deps = { cases: createPastCases(pool), rules, stock: createStockReader(orm, pool), compileRule };
  const draft = { ...FIRST_RULES, effectiveAt: null, reason: 'a draft', eligibility: [RULE], defaultHoldWindowMs: 1e9 };
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let [pages, checked, newlyRefused, token] = [0, 0, 0, ''];
  do {
    const input = { draft, from: null, until: null, liveOnly: false, maxExamples: 0, size: PAGE, token };
    const page = await simulateRules(deps, input, new AbortController().signal, () => true);
    if ('reason' in page) throw new Error(page.message);
    pages += 1;
    checked += page.counts.checked;
    newlyRefused += page.counts.newlyRefused;
    token = page.nextToken;
  } while (token !== '');
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = Math.round((cpu.user + cpu.system) / 1_000);
  return { pages, checked, newlyRefused, durationMs: Math.round(performance.now() - startedAt), cpuMs };
}

/** One caller after another, as the simulation shares their process. */
async function reserveWhile(service: TestService, until: Promise<unknown>) {
  const done = new AbortController();
  void until.finally(() => done.abort());
  return await timesOf(service, () => !done.signal.aborted);
}

async function reserveFor(service: TestService, durationMs: number) {
  const end = performance.now() + durationMs;
  return await timesOf(service, () => performance.now() < end);
}

async function timesOf(service: TestService, goesOn: () => boolean) {
  const times: number[] = [];
  while (goesOn()) {
    const startedAt = performance.now();
    const [outcome] = await reserve(service, [reserveInput([{ sku: 'SKU-1' }], { customerRef: randomUUID() })], CALL);
    if (outcome?.ok !== true) throw new Error('a reservation was refused');
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
  return { count: times.length, p50: at(0.5), p99: at(0.99) };
}

function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
}

await main();
