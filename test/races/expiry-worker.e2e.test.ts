import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTrack, reservation, type Track } from './track.ts';

const RESERVATIONS = 40;
const HOLD_MS = 1_500;
const LATE_MAX_MS = 5_000;

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
  await track.stockUp(['QUIET'], RESERVATIONS);
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

test('R6: on a SKU nobody asks for, two workers free each reservation once: never early, at most 5 s late', async () => {
  await Promise.all(track.racers.map((racer) => racer.startExpiry()));
  const calls = Array.from({ length: RESERVATIONS }, () => reservation([{ sku: 'QUIET' }], { holdWindowMs: HOLD_MS }));
  const answers = await track.racers[0].calls(calls);
  expect(answers.every((answer) => answer.ok)).toBe(true);
  await vi.waitFor(
    async () =>
      expect(await track.count(`select count(*) from reservation where state = 'EXPIRED'`)).toBe(RESERVATIONS),
    { timeout: HOLD_MS + 2 * LATE_MAX_MS, interval: 100 },
  );
  await Promise.all(track.racers.map((racer) => racer.stopExpiry()));
  const result = await track.client.query<{ earliest: number; latest: number }>(
    `select min(extract(epoch from resolve_time - expire_time) * 1000)::float8 as earliest,
      max(extract(epoch from resolve_time - expire_time) * 1000)::float8 as latest from reservation`,
  );
  expect(result.rows[0]?.earliest).toBeGreaterThanOrEqual(0);
  expect(result.rows[0]?.latest).toBeLessThanOrEqual(LATE_MAX_MS);
  const announced = `select count(*) from outbox o join audit_event e
    on e.reservation_id::text = o.key and e.version = o.version where o.topic = 'reservation' and e.kind = 'expired'`;
  expect(await track.count(announced)).toBe(RESERVATIONS);
});
