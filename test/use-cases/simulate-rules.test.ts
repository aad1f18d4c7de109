import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keptOf } from '../../src/domain/asked-request.ts';
import { answerBy, type PastCase } from '../../src/domain/past-case.ts';
import type { Refusal } from '../../src/domain/refusal.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { RuleSet } from '../../src/domain/rule-book.ts';
import { RuleSimulation } from '../../src/domain/rule-simulation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import type { StockLevel } from '../../src/domain/stock-level.ts';
import { writeEventBody } from '../../src/persistence/event-body.ts';
import { toMadeCase, toRefusedCase } from '../../src/persistence/past-case-rows.ts';
import { refusalStatements } from '../../src/persistence/refusal-writes.ts';
import type { Command, Outcome } from '../../src/ports.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { anyRuledPools, aWarehouse, DAY_MS, HOUR_MS, runs, SKUS, T0, WAREHOUSES } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn } from '../support/deciding.ts';

const WAREHOUSE_LIST = WAREHOUSES.map((code, at) =>
  aWarehouse(code, { priority: 3 - at, countryCode: code === 'W1' ? 'CH' : 'DE', postalCode: `80${at}` }),
);

const EXPRESSIONS = [
  'true',
  'facts.reason != "SIZE"',
  'facts.customer_tier in ["GOLD"]',
  '!has(facts.delivered_time) || now - facts.delivered_time <= duration("48h")',
  'lines.all(line, line.quantity < 4)',
  'destination.country_code != "CH"',
  'destination.postal_code.size() < 3',
  '!("loyal" in facts.attributes)',
];

const anyRules: fc.Arbitrary<Partial<Rules>> = fc.record({
  eligibility: fc
    .uniqueArray(fc.constantFrom(...EXPRESSIONS), { maxLength: 2 })
    .map((expressions) =>
      expressions.map((expression) => ({ name: expression, expression, customerMessage: '', staffMessage: '' })),
    ),
  defaultHoldWindowMs: fc.constantFrom(2 * HOUR_MS, DAY_MS),
  minHoldWindowMs: fc.constantFrom(1_000, HOUR_MS),
  channelHoldWindowsMs: fc.constantFrom({}, { web: 3 * HOUR_MS }),
  calendarDays: fc.boolean(),
  splitAllowed: fc.boolean(),
  channelWarehouses: fc.constantFrom({}, { web: ['W1'] }, { web: ['W3', 'W2'] }),
  maxLines: fc.constantFrom(1, 100),
  maxUnits: fc.constantFrom(3, 1_000),
  maxLivePerCustomer: fc.constantFrom(0, 0, 2),
  waitlistWindowMs: fc.constantFrom(30 * DAY_MS, 5 * DAY_MS),
  sourcing: fc.constantFrom('PRIORITY', 'NEAREST', 'MOST_AVAILABLE', 'FEWEST_SPLITS'),
  safetyStocks: fc.constantFrom(
    [],
    [],
    [{ sku: '', warehouse: '', units: 2, percent: 0 }],
    [{ sku: 'A', warehouse: '', units: 5, percent: 0 }],
    [{ sku: '', warehouse: 'W2', units: 1, percent: 20 }],
  ),
  exchangePools: fc.constantFrom(
    [],
    [],
    [{ sku: 'A', minimum: 10, maximum: 0 }],
    [{ sku: '', minimum: 0, maximum: 40 }],
    [{ sku: '', minimum: 5, maximum: 60 }],
  ),
});

const anyInput: fc.Arbitrary<ReserveInput> = fc.record({
  requestId: fc.constant('q'),
  contentHash: fc.constant(new Uint8Array()),
  exchangeId: fc.constant('x-1'),
  returnCaseId: fc.constant(''),
  orderId: fc.constant('o-1'),
  customerRef: fc.constantFrom('', 'c-1'),
  channel: fc.constantFrom('web', 'web', 'store', 'SALE'),
  lines: fc.array(
    fc.record({
      sku: fc.constantFrom(...SKUS),
      quantity: fc.integer({ min: 1, max: 8 }),
      orderLineId: fc.constant(''),
      returnedSku: fc.constant(''),
      warehouse: fc.constantFrom('', '', ...WAREHOUSES),
      purchasedQuantity: fc.constant(0),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  facts: fc.record({
    deliveredAt: fc.constantFrom(null, T0 - DAY_MS, T0 - 3 * DAY_MS),
    reason: fc.constantFrom('', 'SIZE'),
    itemCondition: fc.constantFrom('', 'NEW'),
    customerTier: fc.constantFrom('', 'GOLD'),
    attributes: fc.constantFrom({}, { loyal: 'yes' }),
  }),
  destination: fc.record({ countryCode: fc.constantFrom('', 'CH'), postalCode: fc.constantFrom('', '80', '8001') }),
  partial: fc.boolean(),
  waitlist: fc.boolean(),
  holdWindowMs: fc.constantFrom(null, null, 1_000, 2 * DAY_MS),
  priority: fc.constant(0),
  validateOnly: fc.constant(false),
});

interface World {
  readonly pools: readonly StockLevel[];
  readonly live: number;
  readonly input: ReserveInput;
}

const anyWorld: fc.Arbitrary<World> = fc.record({ pools: anyRuledPools, live: fc.nat({ max: 3 }), input: anyInput });

/** What a Reserve answers by rules, and the case that is left of it. */
async function reserveBy(ruleSet: RuleSet, { pools, live, input }: World) {
  const work = aWorkingSet({ ruleSet, pools, warehouses: WAREHOUSE_LIST, liveCounts: new Map([['c-1', live]]) });
  const commands: Command[] = [];
  const deciding = decidingOn(work);
  const unitOfWork = {
    submit: (some: readonly Command[], options: { readonly lane: 'caller' }) => {
      commands.push(...some);
      return deciding.submit(some, options);
    },
  };
  const ids = { uuid: () => 'r-1', randomBytes: (length: number) => new Uint8Array(length) };
  const [outcome] = await reserve({ unitOfWork, ids }, [input], CALL);
  const [command] = commands;
  if (outcome === undefined || command === undefined) throw new TypeError('one request, one outcome');
  return { outcome, past: pastOf(work, outcome, command, live) };
}

/** Through the very texts that are stored. */
function pastOf(work: ReturnType<typeof aWorkingSet>, outcome: Outcome, command: Command, live: number): PastCase {
  if (!outcome.ok) {
    const [statement] = refusalStatements(new Map([[command, outcome]]), work);
    const { reason, message, metadata } = outcome.refusal;
    const told = { exchange_id: 'x-1', reason, message, metadata: JSON.stringify(metadata), refused_at: work.now };
    const asked = String(statement?.values.at(-1));
    const { channel = '' } = command.asked?.request ?? {};
    return toRefusedCase({ ...told, channel, rule_version: work.rules.version, asked });
  }
  const [made] = work.transitions;
  if (made?.asked === undefined) throw new TypeError('a reservation is made of a request');
  const header = { eventId: 'e', kind: 'reserved', actor: '', actorType: '', channel: '', createdAt: T0, traceId: '' };
  return toMadeCase({
    reservation_id: 'r-1',
    tracking_id: 't-1',
    exchange_id: 'x-1',
    body: writeEventBody({ ...header, reason: made.cause.reason }, made.next, made.seen, keptOf(made.asked)),
    attributes: JSON.stringify(made.asked.facts.attributes),
    postal_code: made.asked.destination.postalCode,
    live,
  });
}

function limitOf({ metadata }: Refusal): string | undefined {
  return metadata.limit;
}

function placesIn(reservation: Reservation) {
  return reservation.lines.flatMap(({ lineNumber, sku, allocations }) =>
    allocations.map(({ warehouse, reserved }) => ({ lineNumber, sku, warehouse, quantity: reserved })),
  );
}

test('a simulation says of a case what a Reserve would have answered, or that nobody knows', async () => {
  const counts = { accepted: 0, refused: 0, unknown: 0 };
  const property = fc.asyncProperty(anyRules, anyRules, anyWorld, async (past, draft, world) => {
    const [before, set] = [aRuleSet(past), aRuleSet({ ...draft, version: 2 })];
    const { past: kept } = await reserveBy(before, world);
    const { outcome } = await reserveBy(set, world);
    const answer = answerBy(set, kept, before.rules, WAREHOUSE_LIST);
    counts[answer.kind] += 1;
    const isCounted = draft.maxLivePerCustomer !== 0 && !kept.was.accepted;
    if (answer.kind === 'unknown') {
      const told = ({ channelWarehouses, safetyStocks, exchangePools }: Partial<Rules>) =>
        JSON.stringify([channelWarehouses, safetyStocks, exchangePools]);
      // What exchanges held is not kept where it was not looked at.
      const isLimited = (draft.exchangePools ?? []).some(({ maximum }) => maximum > 0) && !kept.was.accepted;
      expect(told(past) !== told(draft) || isCounted || isLimited).toBe(true);
      return;
    }
    if (!outcome.ok) {
      expect(answer.kind).toBe('refused');
      // Where nobody knows what the customer had, a later reason may be the first that is certain.
      if (isCounted || limitOf(outcome.refusal) === 'exchange_pools.maximum') return;
      expect(answer).toMatchObject({ refusal: { reason: outcome.refusal.reason } });
      if (outcome.refusal.reason !== 'NO_STOCK' && answer.kind === 'refused') {
        expect(answer.refusal.metadata).toEqual(outcome.refusal.metadata);
      }
      return;
    }
    if (outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) throw new TypeError('no answer');
    const made = outcome.answer.reservation;
    expect(answer.kind).toBe('accepted');
    if (answer.kind === 'accepted' && answer.expireAt !== null) expect(answer.expireAt).toBe(made.expireAt);
    if (answer.kind === 'accepted' && answer.expireAt === null) expect(answer.placements).toBeNull();
    if (answer.kind === 'accepted' && answer.placements !== null) expect(answer.placements).toEqual(placesIn(made));
  });
  await fc.assert(property, runs());
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
});

test('the rules a case was decided by change nothing in it, whatever became of the warehouses', async () => {
  const anyWarehouses = fc
    .shuffledSubarray([...WAREHOUSE_LIST])
    .map((some) => some.map((warehouse, priority) => ({ ...warehouse, priority })));
  const property = fc.asyncProperty(anyRules, anyWorld, anyWarehouses, async (past, world, warehouses) => {
    const set = aRuleSet(past);
    const { outcome, past: kept } = await reserveBy(set, world);
    const same = new RuleSimulation(set, new Map([[1, set]]), WAREHOUSE_LIST, 10);
    same.try(kept);
    const { checked, accepted, refused, undecided, ...differences } = same.counts;
    expect({ checked, accepted: accepted + undecided }).toEqual({
      checked: 1,
      accepted: Number(outcome.ok) + undecided,
    });
    expect(accepted + refused + undecided).toBe(1);
    expect(Object.values(differences)).toEqual([0, 0, 0, 0, 0]);
    const moved = new RuleSimulation(set, new Map([[1, set]]), warehouses, 10);
    moved.try(kept);
    expect(moved.counts.sourcedOtherwise + moved.counts.timedOtherwise).toBe(0);
  });
  await fc.assert(property, runs(500));
});
