import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallCommand } from '../simulation/execute.ts';
import { SeededRandom } from '../simulation/random.ts';
import { openTrack, reservation, type Track } from './track.ts';

const ROUNDS = 6;
const IN_FLIGHT = 16;

let track: Track;

beforeAll(async () => {
  track = await openTrack({ movableClock: false });
});

afterAll(async () => {
  await track.close();
});

test('R15: counts, reservations, releases and receipts of two processes at once: what is missing is named or held elsewhere, always', {
  timeout: 120_000,
}, async () => {
  const [first, second] = track.racers;
  for (let round = 0; round < ROUNDS; round += 1) {
    const skus = [`SHORT-${round}`, `SCARCE-${round}`];
    await track.stockUp(skus, 60);
    const random = new SeededRandom(round + 1);
    const made = Array.from({ length: 40 }, () =>
      reservation(
        skus.map((sku) => ({ sku, warehouse: random.chance(0.5) ? 'W1' : '' })),
        { priority: random.int(0, 2) },
      ),
    );
    const held = await Promise.all([
      first.calls(made.slice(0, 20), IN_FLIGHT),
      second.calls(made.slice(20), IN_FLIGHT),
    ]);
    expect(held.flat().filter((answer) => !answer.ok)).toEqual([]);
    const mixed = () =>
      Array.from({ length: 60 }, (_, at) => someCall(random, skus, made, `${round}-${random.int(0, 1e9)}-${at}`));
    const answers = await Promise.all([first.calls(mixed(), IN_FLIGHT), second.calls(mixed(), IN_FLIGHT)]);
    const unexpected = answers.flat().filter(({ ok, reason }) => !ok && reason !== 'NO_STOCK');
    expect(unexpected).toEqual([]);
    expect((await track.engine.ledger.verify()).drifts).toEqual([]);
    // What is missing of the lines is what the pools lack beyond what pickers missed, to the unit.
    const apart = `select count(*) from stock_pool p where least(p.shortage, p.reserved)
      <> (select coalesce(sum(a.missing), 0) from allocation a where a.sku = p.sku and a.warehouse = p.warehouse)`;
    expect(await track.count(apart)).toBe(0);
    expect(await track.count('select count(*) from shortage where unsettled <> 0')).toBe(0);
    const twice =
      'select count(*) from (select 1 from notification group by reservation_id, kind having count(*) > 1) n';
    expect(await track.count(twice)).toBe(0);
  }
  expect(await track.count("select count(*) from notification where kind = 'SHORTAGE'")).toBeGreaterThan(0);
  const cured = "select count(*) from audit_event where convert_from(body, 'UTF8')::json ->> 6 = 're-sourced'";
  expect(await track.count(cured)).toBeGreaterThan(0);
});

function someCall(
  random: SeededRandom,
  skus: readonly string[],
  made: readonly { readonly exchangeId: string }[],
  requestId: string,
): CallCommand {
  const target = { by: 'exchange' as const, exchangeId: random.pick(made).exchangeId, ordinal: 0 };
  const sku = random.pick(skus);
  const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null, netOfReserved: false };
  return random.weighted<() => CallCommand>([
    [4, () => ({ kind: 'count', requestId, counts: [{ sku, warehouse: 'W1', onHand: random.int(10, 60), ...plain }] })],
    [2, () => ({ kind: 'release', requestId, target, etag: '', reason: 'CANCELLED' })],
    [3, () => reservation([{ sku, warehouse: random.pick(['', 'W1']) }])],
    [
      2,
      () => ({
        kind: 'receive',
        requestId,
        changes: [{ sku, warehouse: random.pick(['W1', 'W2']), delta: { onHand: random.int(1, 5) } }],
      }),
    ],
  ])();
}
