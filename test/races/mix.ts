import type { Engine } from '../../src/persistence/engine.ts';
import type { Ids } from '../../src/ports.ts';
import { type CallCommand, callService } from '../simulation/execute.ts';
import { SeededRandom } from '../simulation/random.ts';
import { answerOf } from './answer.ts';
import { MIX_LINES_MAX, MIX_SKUS, MIX_WAREHOUSES, type MixReport } from './protocol.ts';

/** Loops that each send one call after the other for some time: multi-line requests in random order, and all else. */
export async function runMix(
  engine: Engine,
  ids: Ids,
  job: { readonly seed: number; readonly loops: number; readonly seconds: number },
  unitFailures: readonly string[],
): Promise<MixReport> {
  const outcomes: Record<string, number> = {};
  const reserved: string[] = [];
  let sent = 0;
  const until = performance.now() + job.seconds * 1_000;
  const loop = async (at: number) => {
    const random = new SeededRandom(job.seed * 1_000 + at);
    const mine: string[] = [];
    while (performance.now() < until) {
      const command = mixedCommand(random, `${job.seed}-${at}-${sent}`, mine);
      sent += 1;
      const answer = await answerOf(callService(engine, { known: new Map(), ids, firstRules: 1 }, command));
      const key = `${command.kind} ${answer.ok ? 'ok' : answer.reason}`;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
      if (command.kind === 'reserve' && answer.ok) {
        reserved.push(answer.trackingId);
        mine.push(command.exchangeId);
      }
    }
  };
  await Promise.all(Array.from({ length: job.loops }, (_, at) => loop(at)));
  return { sent, outcomes, reserved, unitFailures };
}

function mixedCommand(random: SeededRandom, id: string, mine: string[]): CallCommand {
  const target = (exchangeId: string) => ({ by: 'exchange' as const, exchangeId, ordinal: 0 });
  const old = mine.length > 0 ? random.pick(mine) : 'never';
  const kind = random.weighted<CallCommand['kind']>([
    [8, 'reserve'],
    [3, 'release'],
    [2, 'fulfil'],
    [1, 'extend'],
    [1, 'count'],
    [1, 'receive'],
  ]);
  switch (kind) {
    case 'release':
      return { kind, requestId: id, target: target(old), etag: '', reason: 'CANCELLED' };
    case 'fulfil':
      return { kind, requestId: id, target: target(old), lines: [], close: true };
    case 'extend':
      return { kind, requestId: id, target: target(old), etag: '', expireAt: Date.now() + 60_000 };
    case 'count':
      return {
        kind,
        requestId: id,
        counts: [random.pick(MIX_SKUS), random.pick(MIX_SKUS)].map((sku) => ({
          sku,
          warehouse: random.pick(MIX_WAREHOUSES),
          onHand: random.int(0, 60),
          unavailable: null,
          committed: null,
          expectedOnHand: null,
          countedAt: null,
          netOfReserved: false,
        })),
      };
    case 'receive':
      return {
        kind,
        requestId: id,
        changes: [{ sku: random.pick(MIX_SKUS), warehouse: random.pick(MIX_WAREHOUSES), delta: { onHand: 5 } }],
      };
    default:
      return {
        kind: 'reserve',
        requestId: id,
        exchangeId: random.chance(0.2) ? old : `x-${id}`,
        orderId: `o-${random.int(1, 20)}`,
        // Most requests have all lines they may have, in an order of their own.
        lines: Array.from({ length: random.chance(0.7) ? MIX_LINES_MAX : random.int(1, MIX_LINES_MAX) }, () => ({
          sku: random.pick(MIX_SKUS),
          quantity: random.int(1, 2),
          orderLineId: random.chance(0.3) ? `l-${random.int(1, 5)}` : '',
          warehouse: random.chance(0.2) ? random.pick(MIX_WAREHOUSES) : '',
          purchased: 0,
        })),
        partial: random.chance(0.3),
        waitlist: random.chance(0.25),
        priority: random.int(-1, 1),
        holdWindowMs: random.pick([1_000, 2_000, 60_000]),
        deliveredAt: null,
        reason: 'SIZE',
        validateOnly: false,
      };
  }
}
