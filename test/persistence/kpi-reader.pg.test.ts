import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KpiGrouping } from '../../src/domain/kpi.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { createEventReader } from '../../src/persistence/event-reader.ts';
import { createKpiReader } from '../../src/persistence/kpi-reader.ts';
import { createRefusals } from '../../src/persistence/refusals.ts';
import type { KpiFilter } from '../../src/ports/kpi-reader.ts';
import type { RulesReader } from '../../src/ports/rules-reader.ts';
import { boundPeriod, computeKpis, KPI_PERIOD_MAX_MS } from '../../src/use-cases/compute-kpis.ts';
import { DAY_MS, HOUR_MS, SKUS, T0 } from '../support/arbitraries.ts';
import { MOVABLE_CLOCK_SQL, SET_CLOCK_SQL } from '../support/engine.ts';
import { allEvents, kpisFromEvents } from '../support/kpis-from-events.ts';
import { anyStory, type PlantedEvent, plantStory, type Story } from '../support/planted-stories.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const STORIES = 150;
const NOW = T0 + 30 * DAY_MS;
const RULES: Rules = { ...FIRST_RULES, timeZone: 'America/St_Johns', manualBaselineMs: DAY_MS };
const ANY: KpiFilter = { from: 0, until: NOW, warehouse: '', channel: '', sku: '' };

let database: TestDatabase;
let pool: pg.Pool;
let sql: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('kpis');
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(MOVABLE_CLOCK_SQL);
  await sql.query(SET_CLOCK_SQL, [NOW]);
});

beforeEach(async () => {
  await sql.query(`begin; set local session_replication_role = replica; delete from reservation; delete from allocation;
    delete from audit_event; delete from refused_reserve; commit`);
});

afterAll(async () => {
  await pool.end();
  await sql.end();
  await database.drop();
});

const { signal } = new AbortController();
const rules = { current: () => Promise.resolve(RULES) } as RulesReader;
const reader = (chunkSize?: number) => createKpiReader(pool, chunkSize);

async function kpisOf(filter: Partial<KpiFilter> = {}, grouping: KpiGrouping | null = null, chunkSize?: number) {
  const question = { filter: { ...ANY, ...filter }, grouping };
  const report = await computeKpis({ kpis: reader(chunkSize), rules }, question, signal);
  if ('reason' in report) throw new TypeError(report.message);
  return report;
}

const EVENT: PlantedEvent = {
  kind: 'reserved',
  state: 'RESERVED',
  afterMs: HOUR_MS,
  actor: 'service',
  actorType: 'SERVICE',
  isFirstForm: false,
};

function aStory(steps: readonly Partial<PlantedEvent>[], more: Partial<Story> = {}): Story {
  const events = [EVENT, ...steps.map((step) => ({ ...EVENT, ...step }))];
  const plain = { startsAt: T0, channel: '', orderId: 'o', skus: ['A'], warehouses: ['W1'] };
  return { ...plain, releaseReason: 'CANCELLED', events, ...more };
}

const FULFILLED = { kind: 'fulfilled', state: 'FULFILLED' } as const;

describe('KPIs', () => {
  test('I21: are those that the listed events give, however they are asked for', async () => {
    for (const story of fc.sample(anyStory, { numRuns: STORIES, seed: 21 })) await plantStory(sql, story);
    await sql.query(`insert into refused_reserve select 'x' || n, (array['NO_STOCK', 'NOT_ELIGIBLE'])[1 + n % 2], '', '',
        sku, warehouse, (array['web', ''])[1 + n % 2], 'a', 'SERVICE', 1, '',
        json_build_object('sku', sku, 'warehouse', warehouse), 1 + n % 5, to_timestamp(0),
        to_timestamp(${T0} / 1000 + n * 7200), ''
      from generate_series(1, 60) n cross join lateral (
        select (array['A', '', 'B'])[1 + n % 3] as sku, (array['', 'W1'])[1 + n / 2 % 2] as warehouse) named`);
    const events = await allEvents(createEventReader(pool, createRefusals(pool)));
    const filters: Partial<KpiFilter>[] = [
      {},
      { from: T0 + 50 * HOUR_MS, until: T0 + 190 * HOUR_MS },
      { channel: 'web' },
      { sku: 'B' },
      { warehouse: 'W2' },
      { sku: 'A', warehouse: 'W1', channel: 'store' },
    ];
    for (const filter of filters) {
      for (const grouping of ['DAY', 'WAREHOUSE', 'CHANNEL', 'SKU', null] as const) {
        const told = kpisFromEvents(events, { ...ANY, ...filter }, grouping, RULES, NOW);
        for (const chunkSize of [41, 2_000]) {
          const { total, groups } = await kpisOf(filter, grouping, chunkSize);
          expect(total).toMatchObject(told.total);
          expect(groups.map(({ key }) => key)).toEqual(told.groups.map(({ key }) => key));
          expect(groups).toMatchObject(told.groups);
        }
      }
    }
    const { total } = await kpisOf();
    // Every figure is of something.
    for (const value of Object.values(total)) expect(typeof value === 'number' ? value : value.count).not.toBe(0);
  });

  test('take the first READY, also where the last unpicked units were shipped', async () => {
    const pick = { kind: 'preparing', state: 'PREPARING' } as const;
    await plantStory(
      sql,
      aStory([pick, { kind: 'changed', state: 'READY' }, pick, { kind: 'ready', state: 'READY' }, FULFILLED]),
    );
    expect((await kpisOf()).total).toMatchObject({
      prepareTime: { averageMs: 2 * HOUR_MS },
      dispatchTime: { averageMs: 5 * HOUR_MS },
    });
  });

  test('know a person by the event and not by a name that looks like one', async () => {
    await plantStory(sql, aStory([{ ...FULFILLED, actor: 'x","PERSON' }]));
    await plantStory(sql, aStory([{ ...FULFILLED, actor: 'PERSON', isFirstForm: true }]));
    expect((await kpisOf()).total.manualInterventions).toBe(0);
    for (const isFirstForm of [true, false]) {
      await plantStory(sql, aStory([{ ...FULFILLED, actor: 'Größe "q" \\', actorType: 'PERSON', isFirstForm }]));
    }
    expect((await kpisOf()).total.manualInterventions).toBe(2);
  });

  test('answer for what has an event that says nothing', async () => {
    await plantStory(sql, aStory([{ kind: 'changed' }, FULFILLED]));
    await sql.query(`begin; set local session_replication_role = replica;
      update audit_event set body = '\\xff' where version = 2; update audit_event set body = '' where version = 3; commit`);
    expect((await kpisOf()).total).toMatchObject({ resolved: 1, reserved: 1, manualInterventions: 0 });
  });
});

describe('a period', () => {
  const asked = (from: number | null, until: number | null) => boundPeriod({ kpis: reader() }, { from, until });

  test('ends now and begins as early as it may where nothing is said', async () => {
    expect(await asked(null, null)).toEqual({ from: NOW - KPI_PERIOD_MAX_MS, until: NOW });
    expect(await asked(null, DAY_MS)).toEqual({ from: 0, until: DAY_MS });
  });

  test.each([
    ['before it begins', NOW, NOW],
    ['now, before it begins', NOW + 1, null],
    ['too late', NOW - KPI_PERIOD_MAX_MS - 1, NOW],
  ])('that ends %s is refused', async (_, from, until) => {
    expect(await asked(from, until)).toMatchObject({ reason: 'INVALID_FIELD', metadata: { field: 'start_time' } });
  });

  test('with more reservations than one answer is made of is refused, and so is a breakdown without end', async () => {
    for (let count = 0; count < 3; count += 1) await plantStory(sql, aStory([FULFILLED]));
    const deps = { kpis: reader(1), rules };
    const question = { filter: ANY, grouping: null, reservationsMax: 2 };
    const metadata = { field: 'start_time', limit: '2' };
    expect(await computeKpis(deps, question, signal)).toMatchObject({ reason: 'TOO_LARGE', metadata });
    expect(await computeKpis(deps, { ...question, reservationsMax: 3 }, signal)).toHaveProperty('total');
    await sql.query(`insert into refused_reserve select 'x' || n, 'NO_STOCK', '', '', 'SKU-' || n, '', '', 'a', 'SERVICE', 1, '',
      '{}', 1, to_timestamp(0), to_timestamp(${T0} / 1000), '' from generate_series(1, 1001) n`);
    const broken = { field: 'group_by', limit: '1000' };
    expect(
      await computeKpis({ ...deps, kpis: reader() }, { ...question, grouping: 'SKU', reservationsMax: 2_000 }, signal),
    ).toMatchObject({
      reason: 'TOO_LARGE',
      metadata: broken,
    });
  });

  test('is not read on once nobody waits', async () => {
    await plantStory(sql, aStory([FULFILLED]));
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(computeKpis({ kpis: reader(), rules }, { filter: ANY, grouping: null }, gone)).rejects.toThrow('gone');
  });
});

describe('the reservations behind the numbers', () => {
  test('are listed once each, the latest first, by what they count as', async () => {
    for (const story of fc.sample(anyStory, { numRuns: STORIES, seed: 4 })) await plantStory(sql, story);
    const { total } = await kpisOf();
    const expected = {
      RESOLVED: total.resolved,
      STOCK_ERRORS: total.stockErrors,
      EXPIRED: total.expired,
      MANUAL_INTERVENTIONS: total.manualInterventions,
    };
    for (const [selection, count] of Object.entries(expected) as [keyof typeof expected, number][]) {
      for (const [chunkSize, size] of [
        [5, 2],
        [2_000, 3],
        [2_000, 500],
      ] as const) {
        const rows = [];
        let token = '';
        do {
          const page = await reader(chunkSize).list(ANY, selection, { size, token });
          expect(page.rows.length).toBeLessThanOrEqual(size);
          rows.push(...page.rows);
          token = page.nextPageToken;
        } while (token !== '');
        expect(new Set(rows.map((row) => row.reservationId)).size).toBe(count);
        expect(rows).toHaveLength(count);
        expect(rows.map(({ at }) => at)).toEqual(rows.map(({ at }) => at).sort((a, b) => b - a));
      }
    }
  });

  test('go on only from a place of the same list', async () => {
    await plantStory(sql, aStory([FULFILLED]));
    await plantStory(sql, aStory([FULFILLED]));
    const { nextPageToken: token } = await reader().list(ANY, 'RESOLVED', { size: 1, token: '' });
    await expect(reader().list({ ...ANY, sku: SKUS[1] }, 'RESOLVED', { size: 1, token })).rejects.toThrow();
    await expect(reader().list(ANY, 'EXPIRED', { size: 1, token })).rejects.toThrow();
  });
});
