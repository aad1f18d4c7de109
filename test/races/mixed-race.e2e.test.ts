import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIX_SKUS, type MixReport } from './protocol.ts';
import { recordScale } from './scale-record.ts';
import { openTrack, type Track } from './track.ts';

/** A minute in the scale run. */
const SECONDS = Number.parseInt(process.env.EARMARK_RACE_SECONDS ?? '10', 10);

/** Of each of the two processes. */
const LOOPS = 32;

/** Refusals that the world has reason to give under this load; anything else is a failure of ours. */
const LEGITIMATE = new Set([
  'ok',
  'NO_STOCK',
  'EXCHANGE_ALREADY_RESERVED',
  'ALREADY_FULFILLED',
  'ALREADY_RELEASED',
  'EXPIRED',
  'UNKNOWN_RESERVATION',
  'INVALID_FIELD',
]);

/** The SQLSTATE of a lock that was not had in time. */
const LOCK_WAIT = 'contention 55P03';

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
  await track.stockUp(MIX_SKUS, 200);
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

test('R11: lines in any order, with releases, counts and expiry between: nobody hears of a deadlock, nothing is lost', {
  timeout: SECONDS * 1_000 + 60_000,
}, async () => {
  await track.racers[0].startExpiry();
  const reports = await Promise.all(track.racers.map((racer, at) => racer.mix(at + 1, LOOPS, SECONDS)));
  await track.racers[0].stopExpiry();
  // The one lock order leaves nothing to retry: not even inside is there a deadlock. A lock may be waited for too long
  // where the machine is busy with other tests.
  const failures = reports.flatMap((report) => report.unitFailures);
  expect(failures.filter((failure) => failure !== LOCK_WAIT)).toEqual([]);
  const outcomes = reports.flatMap((report) => Object.entries(report.outcomes));
  expect(outcomes.filter(([key]) => !LEGITIMATE.has(key.slice(key.indexOf(' ') + 1)))).toEqual([]);
  const answered = outcomes.reduce((sum, [, count]) => sum + count, 0);
  expect(answered).toBe(reports.reduce((sum, report) => sum + report.sent, 0));
  const made = reports.flatMap((report) => [...report.reserved]);
  expect(made.length).toBeGreaterThan(20);
  const stored = 'select count(*) from reservation where tracking_id = any($1)';
  expect(await track.count(stored, [made])).toBe(made.length);
  expect(await track.count('select count(*) from reservation')).toBe(made.length);
  const calls = Object.fromEntries(outcomes.map(([key]) => [key, sumOf(reports, key)]));
  recordScale('mixedLoad', { workers: LOOPS * track.racers.length, seconds: SECONDS, sent: answered, calls });
});

function sumOf(reports: readonly MixReport[], key: string): number {
  return reports.reduce((sum, report) => sum + (report.outcomes[key] ?? 0), 0);
}
