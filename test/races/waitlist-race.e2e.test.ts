import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MoveCommand, ReleaseCommand } from '../simulation/commands.ts';
import type { CallCommand } from '../simulation/execute.ts';
import { openTrack, reservation, type Track } from './track.ts';

const ROUNDS = 10;
const WAITING = 40;
const FREED = 24;
const NEWCOMERS = 40;
const IN_FLIGHT = 16;

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
});

afterAll(async () => {
  expect((await track.engine.ledger.verify()).drifts).toEqual([]);
  await track.close();
});

function receipt(sku: string, id: string): MoveCommand {
  return { kind: 'receive', requestId: id, changes: [{ sku, warehouse: 'W1', delta: { onHand: 1 } }] };
}

function releaseOf(exchangeId: string): ReleaseCommand {
  const target = { by: 'exchange' as const, exchangeId, ordinal: 0 };
  return { kind: 'release', requestId: `release-${exchangeId}`, target, etag: '', reason: 'CANCELLED' };
}

/** Reservations by tracking id, in the order of the queue. */
async function queueOf(sku: string): Promise<string[]> {
  const { rows } = await track.client.query<{ tracking_id: string }>(
    `select r.tracking_id from waitlist w join reservation r using (reservation_id) where w.sku = $1
      order by w.priority desc, w.since_time, w.reservation_id`,
    [sku],
  );
  return rows.map((row) => row.tracking_id);
}

/** How often each of the reservations was told that it holds all it asked for. */
async function timesReserved(trackingIds: readonly string[]): Promise<number[]> {
  const { rows } = await track.client.query<{ times: number }>(
    `select (select count(*)::int from audit_event e where e.reservation_id = r.reservation_id and e.kind = 'reserved') as times
      from unnest($1::text[]) with ordinality as wanted (tracking_id, place) join reservation r using (tracking_id)
      order by wanted.place`,
    [trackingIds],
  );
  return rows.map((row) => row.times);
}

function shared(calls: readonly CallCommand[]): Promise<unknown> {
  const [first, second] = track.racers;
  const half = Math.ceil(calls.length / 2);
  return Promise.all([first.calls(calls.slice(0, half), IN_FLIGHT), second.calls(calls.slice(half), IN_FLIGHT)]);
}

test('R19: units freed and received by two processes go to the queue in order, each once, and to no newcomer', {
  timeout: 120_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `WAIT-${round}`;
    await track.stockUp([sku], FREED / 2);
    const holders = Array.from({ length: FREED / 2 }, () => reservation([{ sku }]));
    await shared(holders);
    const waiters = Array.from({ length: WAITING }, (_, at) =>
      reservation([{ sku }], { waitlist: true, priority: at % 3 }),
    );
    await shared(waiters);
    const queue = await queueOf(sku);
    expect(queue).toHaveLength(WAITING);
    const freeing = holders.flatMap((holder, at) => [releaseOf(holder.exchangeId), receipt(sku, `in-${round}-${at}`)]);
    const newcomers = Array.from({ length: NEWCOMERS }, () => reservation([{ sku }]));
    const mixed: CallCommand[] = newcomers.flatMap((newcomer, at) => [newcomer, ...freeing.slice(at, at + 1)]);
    const [first, second] = track.racers;
    const answers = await Promise.all([
      first.calls(
        mixed.filter((_, at) => at % 2 === 0),
        IN_FLIGHT,
      ),
      second.calls(
        mixed.filter((_, at) => at % 2 === 1),
        IN_FLIGHT,
      ),
    ]);
    const reasons = new Set(answers.flat().flatMap((answer) => (answer.ok ? [] : [answer.reason])));
    expect([...reasons]).toEqual(['NO_STOCK']);
    expect(await timesReserved(queue)).toEqual(queue.map((_, at) => (at < FREED ? 1 : 0)));
    expect(await queueOf(sku)).toEqual(queue.slice(FREED));
    expect(await track.count('select reserved as count from stock_pool where sku = $1', [sku])).toBe(FREED);
  }
});

test('R19: what is released while it is its turn is passed over, and nothing is lost', {
  timeout: 60_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sku = `GIVE-UP-${round}`;
    await track.stockUp([sku], 0);
    const waiters = Array.from({ length: WAITING }, () => reservation([{ sku }], { waitlist: true }));
    await shared(waiters);
    const calls = waiters.flatMap((waiter, at) => [
      ...(at % 2 === 0 ? [releaseOf(waiter.exchangeId)] : []),
      receipt(sku, `in-${sku}-${at}`),
    ]);
    await shared(calls);
    expect(await queueOf(sku)).toEqual([]);
    const live = 'select count(*)::int as count from reservation r join allocation a using (reservation_id)';
    expect(await track.count(`${live} where a.sku = $1 and r.state = 'RESERVED'`, [sku])).toBe(WAITING / 2);
    expect(await track.count('select reserved as count from stock_pool where sku = $1', [sku])).toBe(WAITING / 2);
  }
});
