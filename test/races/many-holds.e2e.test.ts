import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import type { Page } from '../../src/ports.ts';
import type { ReserveCommand } from '../simulation/commands.ts';
import { AHEAD_CLOCK_SQL } from '../support/engine.ts';
import { recordScale } from './scale-record.ts';
import { openTrack, reservation, type Track } from './track.ts';

/** 100,000 in the scale run. */
const HOLDS = Number.parseInt(process.env.EARMARK_HOLDS ?? '2000', 10);
const SKU = 'HOT';
const HOLD_MS = 3_600_000;
const BATCH = 2_500;
const IN_FLIGHT = 128;

/** Reserves that are made meanwhile, on the same SKU. */
const PER_SECOND = 40;
const ROUND_SECONDS = Math.min(20, Math.max(3, HOLDS / 5_000));

/** The scale run has the machine for itself; any other shares it with other tests, beside which no latency is judged. */
const IS_QUIET = process.env.EARMARK_SCALE_RESULTS !== undefined;
const SWEPT_WITHIN_MS = 60_000;

/** Expired by one commit: the lines that background work may have in a unit, and some that are found in the way. */
const EXPIRED_AT_ONCE_MAX = 300;

const PAGE_SIZE = 50;
const PAGES_MAX = 500;

/** Verifying the ledger of so many takes its time. */
const VERIFY_MAX_MS = 300_000;

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
  await track.client.query(AHEAD_CLOCK_SQL);
  await track.stockUp([SKU], 1_000_000);
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
}, VERIFY_MAX_MS);

interface Latency {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

function latencyOf(latenciesMs: readonly number[]): Latency {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN) * 10) / 10;
  return { calls: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function fill(): Promise<void> {
  for (let made = 0; made < HOLDS; made += BATCH) {
    const calls = Array.from({ length: Math.min(BATCH, HOLDS - made) }, () =>
      reservation([{ sku: SKU }], { holdWindowMs: HOLD_MS }),
    );
    const half = calls.length / 2;
    const shares: ReserveCommand[][] = [calls.slice(0, half), calls.slice(half)];
    const answers = await Promise.all(track.racers.map((racer, at) => racer.calls(shares[at] ?? [], IN_FLIGHT)));
    expect(answers.flat().every((answer) => answer.ok)).toBe(true);
  }
}

/** How many rows and index entries the first page of a list and one far behind it look at. */
async function pageCosts(): Promise<number[]> {
  const pool = new pg.Pool({ connectionString: track.databaseUrl, max: 1 });
  const filter = { sku: SKU, warehouse: 'W1', returnCaseId: '', exchangeId: '', orderId: '', customerRef: '' };
  const any = { states: [], createdBefore: null, expiresBefore: null, unitId: '', onlyShort: false };
  const reader = createReservationReader(pool);
  const lookedAt = async () => {
    await pool.query('select pg_stat_force_next_flush()');
    const { rows } = await pool.query<{ read: string }>(
      `select (select sum(idx_tup_read) from pg_stat_user_indexes where relname in ('allocation', 'reservation'))
        + (select sum(seq_tup_read) from pg_stat_user_tables where relname in ('allocation', 'reservation')) as read`,
    );
    return Number(rows[0]?.read);
  };
  const costs: number[] = [];
  let page: Page<unknown> = { rows: [], nextPageToken: '' };
  for (let at = 0; at < Math.min(PAGES_MAX, HOLDS / PAGE_SIZE / 2); at += 1) {
    const before = await lookedAt();
    page = await reader.list({ ...filter, ...any }, { size: PAGE_SIZE, token: page.nextPageToken });
    expect(page.rows).toHaveLength(PAGE_SIZE);
    costs.push((await lookedAt()) - before);
  }
  await pool.end();
  return [costs[0] ?? Number.NaN, costs.at(-1) ?? Number.NaN];
}

/** Runs the expiry workers of both processes until nothing is due, while one of them serves callers. */
async function sweepBesideReserves() {
  const startedAt = performance.now();
  let sweptMs = 0;
  await Promise.all(track.racers.map((racer) => racer.startExpiry()));
  const due = `select count(*) from reservation where state = 'RESERVED' and expire_time <= ledger_now()`;
  const swept = (async () => {
    while ((await track.count(due)) > 0) await pause(100);
    sweptMs = Math.round(performance.now() - startedAt);
  })();
  const latenciesMs: number[] = [];
  while (sweptMs === 0) latenciesMs.push(...(await track.racers[0].paced(SKU, PER_SECOND, 1)));
  await swept;
  await Promise.all(track.racers.map((racer) => racer.stopExpiry()));
  return { sweptMs, during: latencyOf(latenciesMs) };
}

test('R20: thousands that fall due at once are released in small commits beside Reserves on their SKU', {
  timeout: 900_000,
}, async () => {
  const [racer] = track.racers;
  const round = async () => latencyOf(await racer.paced(SKU, PER_SECOND, ROUND_SECONDS));
  await round();
  const empty = await round();
  await fill();
  await track.client.query('analyze');
  const full = await round();
  const pages = await pageCosts();
  await track.client.query('update clock_ahead set ahead = $1::interval', [`${2 * HOLD_MS} milliseconds`]);
  const { sweptMs, during } = await sweepBesideReserves();
  const inOneCommit = `select coalesce(max(n), 0) as count from (
    select count(*) as n from audit_event where kind = 'expired' group by create_time) at_once`;
  const expiredAtOnce = await track.count(inOneCommit);
  recordScale('manyHolds', { holds: HOLDS, perSecond: PER_SECOND, empty, full, during, sweptMs, expiredAtOnce, pages });
  expect(await track.count(`select count(*) from audit_event where kind = 'expired'`)).toBe(HOLDS);
  expect(expiredAtOnce).toBeLessThanOrEqual(EXPIRED_AT_ONCE_MAX);
  expect(sweptMs).toBeLessThanOrEqual(SWEPT_WITHIN_MS);
  const [first = 0, later = 0] = pages;
  expect(later).toBeLessThanOrEqual(2 * first);
  if (IS_QUIET) {
    expect(full.p99Ms).toBeLessThanOrEqual(2 * empty.p99Ms);
    expect(during.p99Ms).toBeLessThanOrEqual(2 * full.p99Ms);
  }
});
