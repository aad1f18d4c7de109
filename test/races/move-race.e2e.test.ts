import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SYSTEM_IDS } from '../../src/runtime.ts';
import { receiveStock } from '../../src/use-cases/stock.ts';
import type { ReleaseCommand, ReserveCommand, SimLine, SwapCommand, TransferCommand } from '../simulation/commands.ts';
import type { CallAnswer } from './protocol.ts';
import { openTrack, reservation, type Track } from './track.ts';

const START_AT = 1_900_000_000_000;
const HOLD_MS = 60_000;
const ROUNDS = 25;

let track: Track;
let now: number;

beforeAll(async () => {
  track = await openTrack({ movableClock: true });
  now = START_AT;
});

beforeEach(async () => {
  await moveClock(now + HOLD_MS);
});

afterAll(async () => {
  await track.close();
});

async function moveClock(to: number): Promise<void> {
  now = to;
  await track.setClock(to);
}

async function reserved(call: ReserveCommand): Promise<ReserveCommand> {
  const [answer] = await track.racers[0].calls([call]);
  if (answer?.ok !== true) throw new Error(`not reserved: ${answer?.reason}`);
  return call;
}

function about(call: ReserveCommand) {
  const target = { by: 'exchange' as const, exchangeId: call.exchangeId, ordinal: 0 };
  return { requestId: SYSTEM_IDS.uuid(), target, etag: '' };
}

function swapOf(call: ReserveCommand, sku: string, more: Partial<SimLine> = {}): SwapCommand {
  const line = { sku, quantity: 1, orderLineId: '', warehouse: '', purchased: 0, ...more };
  return { kind: 'swap', ...about(call), lines: [line], partial: false };
}

function transferOf(call: ReserveCommand): TransferCommand {
  return { kind: 'transfer', ...about(call), toWarehouse: 'W2', lines: [] };
}

function releaseOf(call: ReserveCommand): ReleaseCommand {
  return { kind: 'release', ...about(call), reason: 'CANCELLED' };
}

/** Sends one call by each of the two processes at once. */
async function race(
  first: Parameters<Track['racers'][0]['calls']>[0][number],
  second: Parameters<Track['racers'][0]['calls']>[0][number],
): Promise<[CallAnswer, CallAnswer]> {
  const [[one], [other]] = await Promise.all([track.racers[0].calls([first]), track.racers[1].calls([second])]);
  if (one === undefined || other === undefined) throw new Error('a call was not answered');
  return [one, other];
}

function reasons(answers: readonly CallAnswer[]): string[] {
  return answers.map(({ ok, reason }) => (ok ? 'ok' : reason)).sort();
}

async function reservedOf(sku: string, warehouse = 'W1'): Promise<number> {
  const sql = `select coalesce(sum(reserved), 0) as count from stock_pool where sku = $1 and warehouse = $2`;
  return await track.count(sql, [sku, warehouse]);
}

async function expectNoDrift(): Promise<void> {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
}

/** Receives units of a SKU in W2. */
async function receiveElsewhere(sku: string, onHand: number): Promise<void> {
  const key = { requestId: SYSTEM_IDS.uuid(), contentHash: new Uint8Array(32) };
  const call = { caller: { principal: 'track', actorType: 'SERVICE' as const, channel: '' }, trace: null };
  const receipts = [{ sku, warehouse: 'W2', delta: { onHand } }];
  const outcome = await receiveStock(track.engine, { ...key, reason: 'race', receipts }, call);
  expect(outcome.ok).toBe(true);
}

test('R9: two swaps for the last unit: one wins, and the other keeps what it had', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [mine, last] = [`MINE-${round}`, `LAST-${round}`];
    await track.stockUp([mine], 2);
    await track.stockUp([last], 1);
    const calls = [await reserved(reservation([{ sku: mine }])), await reserved(reservation([{ sku: mine }]))] as const;
    const answers = await race(swapOf(calls[0], last), swapOf(calls[1], last));
    expect(reasons(answers)).toEqual(['NO_STOCK', 'ok']);
    expect([await reservedOf(mine), await reservedOf(last)]).toEqual([1, 1]);
  }
  await expectNoDrift();
});

test('R9: two exchanges swap what the other holds: neither can, and both keep theirs', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [left, right] = [`LEFT-${round}`, `RIGHT-${round}`];
    await track.stockUp([left, right], 1);
    const first = await reserved(reservation([{ sku: left }]));
    const second = await reserved(reservation([{ sku: right }]));
    expect(reasons(await race(swapOf(first, right), swapOf(second, left)))).toEqual(['NO_STOCK', 'NO_STOCK']);
  }
  await expectNoDrift();
});

test('R9: a swap and a release of one reservation: whatever comes first, nothing is left held', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [mine, other] = [`OLD-${round}`, `NEW-${round}`];
    await track.stockUp([mine, other], 1);
    const call = await reserved(reservation([{ sku: mine }]));
    const [swapped, released] = await race(swapOf(call, other), releaseOf(call));
    expect(released.ok).toBe(true);
    expect(['', 'ALREADY_RELEASED']).toContain(swapped.reason);
    expect([await reservedOf(mine), await reservedOf(other)]).toEqual([0, 0]);
  }
  await expectNoDrift();
});

test('R8: a swap and the expiry at the deadline: either the swap was early enough, or it hears EXPIRED', async () => {
  await track.stockUp(['DUE', 'DUE-NEW'], 100);
  for (let round = 0; round < ROUNDS; round += 1) {
    const call = await reserved(reservation([{ sku: 'DUE' }], { holdWindowMs: HOLD_MS }));
    const deadline = now + HOLD_MS;
    if (round % 3 === 0) await moveClock(deadline);
    if (round % 3 === 1) await moveClock(deadline - 1);
    const clock = round % 3 === 2 ? moveClock(deadline) : Promise.resolve();
    const [[swapped]] = await Promise.all([
      track.racers[0].calls([swapOf(call, 'DUE-NEW')]),
      clock,
      track.racers[1].sweep(),
    ]);
    if (round % 3 === 0) expect(swapped?.reason).toBe('EXPIRED');
    if (round % 3 === 1) expect(swapped?.ok).toBe(true);
    await moveClock(deadline);
    await track.racers[1].sweep();
    const state = `select count(*) as count from reservation where exchange_id = $1 and state = 'EXPIRED' and version = $2`;
    expect(await track.count(state, [call.exchangeId, swapped?.ok === true ? 3 : 2])).toBe(1);
    expect([await reservedOf('DUE'), await reservedOf('DUE-NEW')]).toEqual([0, 0]);
  }
  await expectNoDrift();
});

test('R13: two transfers to the last places: one moves, and the other stays where it is', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `MOVE-${round}`;
    await track.stockUp([sku], 4);
    await receiveElsewhere(sku, 3);
    const two = () => reserved(reservation([{ sku, quantity: 2, warehouse: 'W1' }]));
    const [first, second] = [await two(), await two()];
    expect(reasons(await race(transferOf(first), transferOf(second)))).toEqual(['NO_STOCK', 'ok']);
    expect([await reservedOf(sku), await reservedOf(sku, 'W2')]).toEqual([2, 2]);
  }
  await expectNoDrift();
});

test('R13: a transfer and a swap of one reservation both take effect, one after the other', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [sku, other] = [`BOTH-${round}`, `BOTH-NEW-${round}`];
    await track.stockUp([sku, other], 2);
    await receiveElsewhere(sku, 2);
    await receiveElsewhere(other, 2);
    const call = await reserved(reservation([{ sku }]));
    expect(reasons(await race(transferOf(call), swapOf(call, other)))).toEqual(['ok', 'ok']);
    const places = [await reservedOf(sku), await reservedOf(sku, 'W2')];
    expect(places).toEqual([0, 0]);
    expect((await reservedOf(other)) + (await reservedOf(other, 'W2'))).toBe(1);
  }
  await expectNoDrift();
});

test('R9: replacing what an exchange holds works where nothing is available, and twice at once leaves one', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `REPLACE-${round}`;
    await track.stockUp([sku], 2);
    const call = await reserved(reservation([{ sku, quantity: 2 }]));
    const again = (quantity: number) =>
      reservation([{ sku, quantity }], { exchangeId: call.exchangeId, replaceExisting: true });
    expect(reasons(await race(again(2), again(1)))).toEqual(['ok', 'ok']);
    const [tooMany] = await track.racers[1].calls([again(3)]);
    expect(tooMany?.reason).toBe('NO_STOCK');
    expect([1, 2]).toContain(await reservedOf(sku));
    const live = 'select count(*) as count from reservation where exchange_id = $1';
    expect(await track.count(live, [call.exchangeId])).toBe(1);
  }
  await expectNoDrift();
});

test('a release gives back the order line that a swap took at the same time', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `ELSEWHERE-${round}`;
    await track.stockUp([sku], 2);
    const orderId = `released-order-${round}`;
    const call = await reserved(reservation([{ sku, orderLineId: 'l1', purchased: 1 }], { orderId }));
    await race(swapOf(call, sku, { orderLineId: 'l2' }), releaseOf(call));
    expect(await track.count('select sum(exchanged) as count from order_line where order_id = $1', [orderId])).toBe(0);
  }
  await expectNoDrift();
});

test('an order line is never exchanged beyond what was bought, also by swaps at once', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `BOUGHT-${round}`;
    await track.stockUp([sku], 10);
    const orderId = `swapped-order-${round}`;
    const one = () => reserved(reservation([{ sku, orderLineId: 'l1', purchased: 3 }], { orderId }));
    const [first, second] = [await one(), await one()];
    const two = (call: ReserveCommand) => swapOf(call, sku, { quantity: 2, orderLineId: 'l1' });
    expect(reasons(await race(two(first), two(second)))).toEqual(['ORDER_LINE_EXHAUSTED', 'ok']);
    expect(await track.count('select exchanged as count from order_line where order_id = $1', [orderId])).toBe(3);
  }
  await expectNoDrift();
});
