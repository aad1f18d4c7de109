import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDayNamer } from '../../src/domain/calendar.ts';
import { figuresOf } from '../../src/domain/duration-figures.ts';
import { KpiBook, type ResolvedCase } from '../../src/domain/kpi.ts';

const HOUR_MS = 3_600_000;
const T0 = Date.UTC(2026, 0, 31, 22, 30);

const CASE: ResolvedCase = {
  reservationId: 'r1',
  trackingId: 'EM-1',
  at: T0,
  channel: 'web',
  skus: ['A', 'B'],
  warehouses: ['W1'],
  state: 'FULFILLED',
  reservedAt: T0 - 10 * HOUR_MS,
  readyAt: T0 - 8 * HOUR_MS,
  waitMs: null,
  isShort: false,
  isManual: false,
};

function kpisOf(...cases: Partial<ResolvedCase>[]) {
  const book = new KpiBook(null, 'UTC');
  for (const one of cases) book.addCase({ ...CASE, ...one });
  return book.total(20 * HOUR_MS);
}

describe('KPIs', () => {
  test('of nothing are all 0', () => {
    const numbers = Object.values(kpisOf()).filter((value) => typeof value === 'number');
    expect(new Set(numbers)).toEqual(new Set([0, 20 * HOUR_MS]));
  });

  test('measure to READY, or to FULFILLED where nobody told of READY, or not at all', () => {
    expect(kpisOf({}).prepareTime).toMatchObject({ count: 1, averageMs: 2 * HOUR_MS });
    expect(kpisOf({ readyAt: null }).prepareTime).toMatchObject({ count: 1, averageMs: 10 * HOUR_MS });
    expect(kpisOf({ readyAt: null, state: 'RELEASED' }).prepareTime.count).toBe(0);
    // Ready and then released was prepared, but not dispatched.
    expect(kpisOf({ state: 'RELEASED' })).toMatchObject({ prepareTime: { count: 1 }, dispatchTime: { count: 0 } });
    expect(kpisOf({ reservedAt: null })).toMatchObject({ prepareTime: { count: 0 }, dispatchTime: { count: 0 } });
  });

  test('hold dispatch against how long it took by hand', () => {
    expect(kpisOf({})).toMatchObject({ dispatchTime: { averageMs: 10 * HOUR_MS }, dispatchSavingPercent: 50 });
    expect(kpisOf({ reservedAt: T0 - 40 * HOUR_MS }).dispatchSavingPercent).toBe(-100);
    expect(kpisOf({ state: 'EXPIRED' }).dispatchSavingPercent).toBe(0);
    expect(new KpiBook(null, 'UTC').total(0).dispatchSavingPercent).toBe(0);
  });

  test('count stock errors of what was ever held, and persons and expiry of everything', () => {
    const cases = [{ isShort: true }, { isShort: true, reservedAt: null }, { isManual: true }, {}];
    expect(kpisOf(...cases, { state: 'EXPIRED' })).toMatchObject({
      resolved: 5,
      reserved: 4,
      stockErrors: 1,
      stockErrorPercent: 25,
      manualInterventions: 1,
      manualInterventionPercent: 20,
      expired: 1,
      expiredPercent: 20,
    });
  });

  test('count refusals of all decided requests', () => {
    const book = new KpiBook('SKU', 'UTC');
    const belonging = { at: T0, channel: '', skus: ['A'], warehouses: [] };
    book.addRequests({ ...belonging, made: 1, refused: 0, noStock: 0 });
    book.addRequests({ ...belonging, skus: [], made: 0, refused: 3, noStock: 1 });
    expect(book.total(0)).toMatchObject({ decidedRequests: 4, noStockRefusals: 1, noStockPercent: 25 });
    expect(book.groups(0)).toMatchObject([{ key: 'A', kpis: { decidedRequests: 1, noStockRefusals: 0 } }]);
  });
});

describe('a breakdown', () => {
  const keysBy = (grouping: 'DAY' | 'SKU' | 'WAREHOUSE' | 'CHANNEL', timeZone: string) => {
    const book = new KpiBook(grouping, timeZone);
    book.addCase(CASE);
    book.addIdle({ at: null, channel: 'store', skus: ['C'], warehouses: ['W2'], units: 2 });
    return book.groups(0).map(({ key, kpis }) => [key, kpis.resolved, kpis.idleReservedUnits]);
  };

  test('counts what belongs to several keys for each of them', () => {
    expect(keysBy('SKU', 'UTC')).toEqual([
      ['A', 1, 0],
      ['B', 1, 0],
      ['C', 0, 2],
    ]);
    expect(keysBy('WAREHOUSE', 'UTC')).toEqual([
      ['W1', 1, 0],
      ['W2', 0, 2],
    ]);
    expect(keysBy('CHANNEL', 'UTC')).toEqual([
      ['store', 0, 2],
      ['web', 1, 0],
    ]);
  });

  test('is by the days of a time zone, and what is held now is of no day', () => {
    expect(keysBy('DAY', 'UTC')).toEqual([['2026-01-31', 1, 0]]);
    expect(keysBy('DAY', 'Asia/Tokyo')).toEqual([['2026-02-01', 1, 0]]);
  });

  test('names the same days as the calendar of the zone, whatever was asked before', () => {
    for (const timeZone of ['Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns']) {
      const dayOf = createDayNamer(timeZone);
      const told = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
      const instants = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2031) });
      fc.assert(fc.property(instants, (at) => dayOf(at) === told.format(at)));
    }
  });
});

describe('figures over durations', () => {
  test('are all 0 of none, and the one of one', () => {
    expect(figuresOf([])).toEqual({ count: 0, averageMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0 });
    expect(figuresOf([7])).toEqual({ count: 1, averageMs: 7, p50Ms: 7, p90Ms: 7, p99Ms: 7 });
  });

  test('are by nearest rank', () => {
    const tenToOne = Array.from({ length: 10 }, (_, at) => 10 - at);
    expect(figuresOf(tenToOne)).toEqual({ count: 10, averageMs: 6, p50Ms: 5, p90Ms: 9, p99Ms: 10 });
    expect(figuresOf([10, 9])).toMatchObject({ p50Ms: 9, p90Ms: 10 });
  });

  test('name durations that are there and that enough of them do not exceed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 200 }), (durations) => {
        const { p50Ms, p90Ms, p99Ms } = figuresOf(durations);
        const isShortest = (ms: number, percent: number) => {
          const within = (limit: number) => 100 * durations.filter((one) => one <= limit).length;
          return (
            durations.includes(ms) &&
            within(ms) >= percent * durations.length &&
            within(ms - 1) < percent * durations.length
          );
        };
        return isShortest(p50Ms, 50) && isShortest(p90Ms, 90) && isShortest(p99Ms, 99);
      }),
    );
  });
});
