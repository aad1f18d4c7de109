import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyWarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import type { ExtendCommand, FulfilCommand, ReserveCommand, SwapCommand } from '../simulation/commands.ts';
import { openTrack, reservation, type Track } from './track.ts';

const START_AT = 1_900_000_000_000;
const HOLD_MS = 60_000;

let track: Track;
let now: number;

beforeAll(async () => {
  track = await openTrack({ movableClock: true });
  now = START_AT;
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

async function moveClock(to: number): Promise<void> {
  now = to;
  await track.setClock(to);
}

/** Reserves on the first process; the answer must be yes. */
async function reserved(call: ReserveCommand): Promise<string> {
  const [answer] = await track.racers[0].calls([call]);
  if (answer?.ok !== true) throw new Error(`not reserved: ${answer?.reason}`);
  return answer.trackingId;
}

function fulfilment(call: ReserveCommand): FulfilCommand {
  const target = { by: 'exchange' as const, exchangeId: call.exchangeId, ordinal: 0 };
  return { kind: 'fulfil', requestId: `f-${call.requestId}`, target, lines: [], close: false };
}

function extension(call: ReserveCommand, expireAt: number): ExtendCommand {
  const target = { by: 'exchange' as const, exchangeId: call.exchangeId, ordinal: 0 };
  return { kind: 'extend', requestId: `e-${call.requestId}`, target, etag: '', expireAt };
}

function partialSwap(call: ReserveCommand, sku: string, quantity: number): SwapCommand {
  const target = { by: 'exchange' as const, exchangeId: call.exchangeId, ordinal: 0 };
  const lines = [{ sku, quantity, orderLineId: '', warehouse: '', purchased: 0 }];
  return { kind: 'swap', requestId: `s-${call.requestId}`, target, etag: '', lines, partial: true };
}

async function rowOf(trackingId: string) {
  const result = await track.client.query<{ state: string; version: number; resolved: number; deadline: number }>(
    `select state, version, extract(epoch from resolve_time)::float8 * 1000 as resolved,
      extract(epoch from expire_time)::float8 * 1000 as deadline from reservation where tracking_id = $1`,
    [trackingId],
  );
  const [row] = result.rows;
  if (row === undefined) throw new Error('no such reservation');
  return row;
}

async function stockOf(sku: string) {
  const [view] = await track.engine.stock.read([sku], ['W1']);
  if (view === undefined) throw new Error('no such pool');
  return view;
}

test('R8: expiry and fulfilment at the deadline: one wins, and the loser hears of it', async () => {
  const [sweeper, shipper] = track.racers;
  await track.stockUp(['RACE'], 1_000);
  for (let round = 0; round < 45; round += 1) {
    await moveClock(now + HOLD_MS);
    const call = reservation([{ sku: 'RACE', quantity: 2 }], { holdWindowMs: HOLD_MS });
    const trackingId = await reserved(call);
    const deadline = now + HOLD_MS;
    const fulfil = () => shipper.calls([fulfilment(call)]);
    const scene = round % 3;
    if (scene === 0) await moveClock(deadline);
    if (scene === 1) await moveClock(deadline - 1);
    const clock = scene === 2 ? moveClock(deadline) : Promise.resolve();
    const [answers] = await Promise.all([fulfil(), clock, sweeper.sweep()]);
    await moveClock(deadline);
    await sweeper.sweep();
    const [answer] = answers;
    const row = await rowOf(trackingId);
    expect(row.state).toBe(answer?.ok === true ? 'FULFILLED' : 'EXPIRED');
    expect(answer?.reason).toBe(answer?.ok === true ? '' : 'EXPIRED');
    expect(row.version).toBe(2);
    // On the deadline it is too late, a millisecond before it is not.
    if (scene === 0) expect(row.state).toBe('EXPIRED');
    if (scene === 1) expect(row.state).toBe('FULFILLED');
  }
});

test('R8: expiry and extension at the deadline: either it lives until the new one, or it is EXPIRED and stays so', async () => {
  const [sweeper, caller] = track.racers;
  await track.stockUp(['LONGER'], 2);
  for (let round = 0; round < 45; round += 1) {
    await moveClock(now + HOLD_MS);
    const call = reservation([{ sku: 'LONGER', quantity: 2 }], { holdWindowMs: HOLD_MS });
    const trackingId = await reserved(call);
    const deadline = now + HOLD_MS;
    const scene = round % 3;
    if (scene === 0) await moveClock(deadline);
    if (scene === 1) await moveClock(deadline - 1);
    const clock = scene === 2 ? moveClock(deadline) : Promise.resolve();
    const [[extended]] = await Promise.all([
      caller.calls([extension(call, deadline + HOLD_MS)]),
      clock,
      sweeper.sweep(),
    ]);
    if (scene === 0) expect(extended?.reason).toBe('EXPIRED');
    if (scene === 1) expect(extended?.ok).toBe(true);
    await moveClock(deadline);
    await sweeper.sweep();
    const lives = extended?.ok === true;
    expect(await rowOf(trackingId)).toMatchObject(
      lives
        ? { state: 'RESERVED', version: 2, resolved: null, deadline: deadline + HOLD_MS }
        : { state: 'EXPIRED', version: 2, deadline },
    );
    const [next] = await caller.calls([reservation([{ sku: 'LONGER' }], { holdWindowMs: HOLD_MS })]);
    expect(next?.ok === true ? '' : next?.reason).toBe(lives ? 'NO_STOCK' : '');
    const [again] = await caller.calls([{ ...extension(call, deadline + 2 * HOLD_MS), requestId: `again-${round}` }]);
    expect(again?.ok === true ? '' : again?.reason).toBe(lives ? '' : 'EXPIRED');
    await moveClock(deadline + 2 * HOLD_MS);
    await sweeper.sweep();
    expect(await stockOf('LONGER')).toMatchObject({ due: 0, level: { reserved: 0 } });
  }
});

test('while no worker runs, what is past its deadline is available and can be reserved', async () => {
  await track.stockUp(['IDLE'], 5);
  const trackingId = await reserved(reservation([{ sku: 'IDLE', quantity: 3 }], { holdWindowMs: HOLD_MS }));
  await moveClock(now + HOLD_MS - 1);
  expect(await stockOf('IDLE')).toMatchObject({ due: 0, level: { reserved: 3 } });
  const [early] = await track.racers[1].calls([reservation([{ sku: 'IDLE', quantity: 5 }])]);
  expect(early?.reason).toBe('NO_STOCK');
  await moveClock(now + 1);
  expect(await stockOf('IDLE')).toMatchObject({ due: 3, level: { reserved: 3 } });
  await reserved(reservation([{ sku: 'IDLE', quantity: 5 }]));
  expect((await rowOf(trackingId)).state).toBe('EXPIRED');
  expect(await stockOf('IDLE')).toMatchObject({ due: 0, level: { reserved: 5 } });
});

test('R7: what a warehouse prepares is never freed by the clock: extended and flagged once', async () => {
  await track.stockUp(['PREP'], 1);
  const call = reservation([{ sku: 'PREP' }], { holdWindowMs: HOLD_MS });
  const trackingId = await reserved(call);
  const message = {
    wms: 'sim',
    messageId: call.requestId,
    contentHash: new Uint8Array(32),
    warehouse: 'W1',
    occurredAt: now,
    trace: null,
    event: 'pick-started' as const,
    trackingId,
    lines: [],
    code: '',
  };
  await applyWarehouseMessage(track.engine, message, AbortSignal.timeout(5_000));
  await moveClock(now + HOLD_MS);
  await Promise.all(track.racers.map((racer) => racer.sweep()));
  await Promise.all(track.racers.map((racer) => racer.sweep()));
  const row = await rowOf(trackingId);
  expect(row).toMatchObject({ state: 'PREPARING', version: 3 });
  expect(row.deadline).toBeGreaterThan(now);
  await moveClock(row.deadline);
  await Promise.all(track.racers.map((racer) => racer.sweep()));
  expect(await rowOf(trackingId)).toMatchObject({ state: 'PREPARING', version: 3 });
  const [other] = await track.racers[1].calls([reservation([{ sku: 'PREP' }])]);
  expect(other?.reason).toBe('NO_STOCK');
});

test('three thousand due reservations of other SKUs do not hide the one that is in the way', {
  timeout: 60_000,
}, async () => {
  const skus = Array.from({ length: 30 }, (_, at) => `CROWD-${at}`);
  await track.stockUp([...skus, 'WHOLE', 'PART', 'BOUND', 'SWAPPED', 'SWAP-PART'], 100);
  const crowd = skus.flatMap((sku) =>
    Array.from({ length: 100 }, () => reservation([{ sku }], { holdWindowMs: HOLD_MS })),
  );
  const answers = await track.racers[0].calls(crowd, 256);
  expect(answers.every((answer) => answer.ok)).toBe(true);
  const late = { holdWindowMs: 2 * HOLD_MS };
  await reserved(reservation([{ sku: 'WHOLE', quantity: 40 }], late));
  await reserved(reservation([{ sku: 'PART', quantity: 40 }], late));
  await reserved(reservation([{ sku: 'SWAP-PART', quantity: 40 }], late));
  const bought = { orderId: 'bought', ...late };
  await reserved(reservation([{ sku: 'BOUND', orderLineId: 'l1', purchased: 1 }], bought));
  await moveClock(now + 2 * HOLD_MS);
  expect(
    await track.count(`select count(*) from reservation where state = 'RESERVED' and expire_time <= ledger_now()`),
  ).toBe(3_004);
  await reserved(reservation([{ sku: 'WHOLE', quantity: 100 }]));
  await reserved(reservation([{ sku: 'PART', quantity: 100 }], { partial: true }));
  expect(await stockOf('PART')).toMatchObject({ due: 0, level: { reserved: 100 } });
  const held = reservation([{ sku: 'SWAPPED' }]);
  await reserved(held);
  const [swapped] = await track.racers[1].calls([partialSwap(held, 'SWAP-PART', 100)]);
  expect(swapped?.ok).toBe(true);
  expect(await stockOf('SWAP-PART')).toMatchObject({ due: 0, level: { reserved: 100 } });
  await reserved(reservation([{ sku: skus[0] ?? '', orderLineId: 'l1', purchased: 1 }], bought));
});
