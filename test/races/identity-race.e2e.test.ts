import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrack, reservation, type Track } from './track.ts';

const ROUNDS = 100;
const TIMES = 3;

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
  await track.stockUp(['SKU'], 10_000);
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

const RESERVATIONS_OF = 'select count(*) from reservation where exchange_id = $1';

test('R10: one request id from two processes at once makes one reservation, and all hear the same', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const call = reservation([{ sku: 'SKU' }]);
    const calls = Array.from({ length: TIMES }, () => call);
    const answers = (await Promise.all(track.racers.map((racer) => racer.calls(calls)))).flat();
    expect(answers.map((answer) => answer.reason).join('')).toBe('');
    expect(new Set(answers.map((answer) => answer.trackingId)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await track.count(RESERVATIONS_OF, [call.exchangeId])).toBe(1);
  }
});

test('R10: one request id with two contents at once: one content wins, the other is told so', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const call = reservation([{ sku: 'SKU' }]);
    const other = { ...call, lines: call.lines.map((line) => ({ ...line, quantity: 2 })) };
    const [first, second] = track.racers;
    const answers = (await Promise.all([first.calls([call]), second.calls([other])])).flat();
    expect(answers.map((answer) => answer.reason).sort()).toEqual(['', 'REQUEST_ID_REUSED']);
    expect(await track.count(RESERVATIONS_OF, [call.exchangeId])).toBe(1);
  }
});

test('one exchange under two request ids at once: one wins, the other hears whose it is', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { exchangeId } = reservation([]);
    const call = () => reservation([{ sku: 'SKU' }], { exchangeId });
    const answers = (await Promise.all(track.racers.map((racer) => racer.calls([call(), call()])))).flat();
    expect(answers.map((answer) => answer.reason).sort()).toEqual(['', ...Array(3).fill('EXCHANGE_ALREADY_RESERVED')]);
    expect(new Set(answers.map((answer) => answer.trackingId)).size).toBe(1);
    expect(await track.count(RESERVATIONS_OF, [exchangeId])).toBe(1);
  }
});
