import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallAnswer } from './protocol.ts';
import { openTrack, reservation, type Track } from './track.ts';

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

function reasons(answers: readonly CallAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { ok, reason } of answers) counts[ok ? 'ok' : reason] = (counts[ok ? 'ok' : reason] ?? 0) + 1;
  return counts;
}

const ROUNDS = 50;
const CALLS = 400;
const UNITS = 100;
const IN_FLIGHT = 64;

test('R1: 400 calls of two processes for 100 units: exactly 100 win and 300 hear NO_STOCK', {
  timeout: 120_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `HOT-${round}`;
    await track.stockUp([sku], UNITS);
    const calls = Array.from({ length: CALLS }, () => reservation([{ sku }]));
    const [first, second] = track.racers;
    const answers = await Promise.all([
      first.calls(calls.slice(0, CALLS / 2), IN_FLIGHT),
      second.calls(calls.slice(CALLS / 2), IN_FLIGHT),
    ]);
    expect(reasons(answers.flat())).toEqual({ ok: UNITS, NO_STOCK: CALLS - UNITS });
    const reserved = 'select reserved as count from stock_pool where sku = $1';
    expect(await track.count(reserved, [sku])).toBe(UNITS);
  }
});

test('R2: lines of one SKU are summed: what fits line by line but not together is refused', async () => {
  for (let round = 0; round < 20; round += 1) {
    const sku = `SUM-${round}`;
    await track.stockUp([sku], 5);
    const tooMany = () =>
      reservation([
        { sku, quantity: 3 },
        { sku, quantity: 3 },
      ]);
    const fitting = () =>
      reservation([
        { sku, quantity: 3 },
        { sku, quantity: 2 },
      ]);
    const answers = await Promise.all(
      track.racers.map((racer) => racer.calls([tooMany(), fitting(), tooMany(), fitting(), fitting(), tooMany()])),
    );
    expect(reasons(answers.flat())).toEqual({ ok: 1, NO_STOCK: 11 });
    expect(answers.flatMap((of) => [of[0], of[2], of[5]]).every((answer) => answer?.ok === false)).toBe(true);
    expect(await track.count('select reserved as count from stock_pool where sku = $1', [sku])).toBe(5);
  }
});

test('P22: an order line is never exchanged beyond what was bought, whoever asks at once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const sku = `LINE-${round}`;
    await track.stockUp([sku], 100);
    const orderId = `order-${round}`;
    const call = () => reservation([{ sku, orderLineId: 'l1', purchased: 5 }], { orderId });
    const answers = await Promise.all(track.racers.map((racer) => racer.calls(Array.from({ length: 20 }, call))));
    expect(reasons(answers.flat())).toEqual({ ok: 5, ORDER_LINE_EXHAUSTED: 35 });
    expect(await track.count('select exchanged as count from order_line where order_id = $1', [orderId])).toBe(5);
  }
});
