import { expect, test } from 'vitest';
import type { PastCase } from '../../src/domain/past-case.ts';
import { RuleSimulation } from '../../src/domain/rule-simulation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import { aWarehouse, DAY_MS, HOUR_MS, NO_FACTS, T0, WAREHOUSES } from '../support/arbitraries.ts';
import { aRuleSet } from '../support/deciding.ts';

const WAREHOUSE_LIST = WAREHOUSES.map((code, at) => aWarehouse(code, { priority: 3 - at }));

const GOLD_ONLY = { name: 'gold', expression: 'facts.customer_tier == "GOLD"', customerMessage: '', staffMessage: '' };
const LOYAL = {
  name: 'loyal',
  expression: 'facts.attributes["loyal"] == "yes"',
  customerMessage: '',
  staffMessage: '',
};

function aPast(more: Partial<PastCase> = {}, request: object = {}): PastCase {
  return {
    trackingId: 't-1',
    exchangeId: 'x-1',
    decidedAt: T0,
    ruleVersion: 1,
    request: {
      facts: NO_FACTS,
      destination: { countryCode: '', postalCode: '' },
      channel: 'web',
      lines: [{ sku: 'A', quantity: 2, warehouse: '' }],
      partial: false,
      holdWindowMs: null,
      lost: [],
      liveOfCustomer: 0,
      ...request,
    },
    seen: [['A', 'W3', 5, 1]],
    was: {
      accepted: true,
      expireAt: T0 + 14 * DAY_MS,
      placements: [{ lineNumber: 1, sku: 'A', warehouse: 'W3', quantity: 2 }],
    },
    ...more,
  };
}

function tried(draft: Partial<Rules>, past: PastCase, examplesMax = 10) {
  const simulation = new RuleSimulation(aRuleSet(draft), new Map([[1, aRuleSet()]]), WAREHOUSE_LIST, examplesMax);
  simulation.try(past);
  return simulation;
}

test('a difference is told in words, and why it would be refused', () => {
  const refused = tried({ eligibility: [GOLD_ONLY] }, aPast());
  expect(refused.counts).toMatchObject({ checked: 1, refused: 1, newlyRefused: 1 });
  expect(refused.examples).toMatchObject([
    {
      trackingId: 't-1',
      differences: ['was accepted, would be refused as NOT_ELIGIBLE by gold'],
      refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'gold' } },
    },
  ]);
  const timed = tried({ defaultHoldWindowMs: DAY_MS }, aPast());
  expect(timed.counts).toMatchObject({ accepted: 1, timedOtherwise: 1 });
  expect(timed.examples[0]?.differences).toEqual([
    'would be held until 2026-01-16T12:00:00.000Z instead of 2026-01-29T12:00:00.000Z',
  ]);
  const was = {
    accepted: false,
    refusal: { reason: 'RULE_LIMIT', message: '', metadata: { limit: 'max_units' } },
  } as const;
  const accepted = tried({}, aPast({ trackingId: '', was }));
  expect(accepted.examples[0]?.differences).toEqual(['was refused as RULE_LIMIT by max_units, would be accepted']);
});

test('what rules ask for and nobody kept is undecided, unless another rule surely says no', () => {
  const lost = aPast({}, { lost: ['attributes'] });
  expect(tried({ eligibility: [LOYAL] }, lost).counts).toMatchObject({ undecided: 1, accepted: 0, refused: 0 });
  expect(tried({ eligibility: [LOYAL, GOLD_ONLY] }, lost).counts).toMatchObject({ undecided: 0, newlyRefused: 1 });
  expect(tried({ eligibility: [LOYAL], maxUnits: 1 }, lost).counts).toMatchObject({ undecided: 0, newlyRefused: 1 });
  expect(tried({ eligibility: [] }, lost).counts).toMatchObject({ undecided: 0, accepted: 1 });
  const whole = { ...LOYAL, expression: 'facts["customer_tier"] == ""' };
  expect(tried({ eligibility: [whole] }, lost).counts).toMatchObject({ undecided: 1 });
  expect(tried({}, aPast({ request: null })).examples[0]?.differences).toEqual([
    'cannot be told: the request was not kept',
  ]);
});

test('what was refused for another reason than rules stays refused', () => {
  const refusals = [
    { reason: 'ORDER_LINE_EXHAUSTED', message: '', metadata: {} },
    { reason: 'NOT_ELIGIBLE', message: '', metadata: { rule: 'exchange-closed' } },
  ] as const;
  for (const refusal of refusals) {
    const { counts } = tried({ eligibility: [] }, aPast({ request: null, was: { accepted: false, refusal } }));
    expect(counts).toMatchObject({ refused: 1, newlyAccepted: 0, undecided: 0 });
  }
});

test('a case keeps the window that its request asked for', () => {
  const was = { accepted: true, expireAt: T0 + 3 * HOUR_MS, placements: [] } as const;
  const { counts } = tried({ defaultHoldWindowMs: DAY_MS }, aPast({ was }, { holdWindowMs: 3 * HOUR_MS }));
  expect(counts).toMatchObject({ accepted: 1, timedOtherwise: 0 });
});

test('a warehouse whose stock nobody saw may be where a case would come from', () => {
  const past = aPast({ seen: [['A', 'W1', 5, 1]] });
  const set = aRuleSet({ channelWarehouses: { web: ['W1'] } });
  const simulation = new RuleSimulation(aRuleSet(), new Map([[1, set]]), WAREHOUSE_LIST, 1);
  simulation.try(past);
  expect(simulation.counts).toMatchObject({ accepted: 1, sourcingUnknown: 1, sourcedOtherwise: 0 });
});

const KEPT = [{ sku: 'A', warehouse: '', units: 4, percent: 0 }];

test('R16: other units of safety stock move what was seen; behind a 0 and of a percentage nobody knows', () => {
  expect(tried({ safetyStocks: KEPT }, aPast()).counts).toMatchObject({ newlyRefused: 1, undecided: 0 });
  const fewer = [{ ...KEPT[0], units: 3 }] as typeof KEPT;
  expect(tried({ safetyStocks: fewer }, aPast()).counts).toMatchObject({ accepted: 1, sourcedOtherwise: 0 });
  const share = [{ ...KEPT[0], percent: 10 }] as typeof KEPT;
  expect(tried({ safetyStocks: share }, aPast()).counts).toMatchObject({ undecided: 1 });
  const was = { accepted: false, refusal: { reason: 'NO_STOCK', message: '', metadata: {} } } as const;
  const refused = aPast({ trackingId: '', seen: [['A', 'W3', 0, 1]], was });
  const simulation = new RuleSimulation(
    aRuleSet(),
    new Map([[1, aRuleSet({ safetyStocks: KEPT })]]),
    WAREHOUSE_LIST,
    1,
  );
  simulation.try(refused);
  expect(simulation.counts).toMatchObject({ undecided: 1, newlyAccepted: 0 });
});

test('a limit to what exchanges hold is undecided where nobody knows what they held', () => {
  const limit = (maximum: number) => ({ exchangePools: [{ sku: 'A', minimum: 0, maximum }] });
  expect(tried(limit(1), aPast()).counts).toMatchObject({ newlyRefused: 1 });
  expect(tried(limit(10), aPast()).counts).toMatchObject({ undecided: 1 });
  const was = {
    accepted: false,
    refusal: {
      reason: 'RULE_LIMIT',
      message: '',
      metadata: { limit: 'exchange_pools.maximum', sku: 'A', asked: '12', allowed: '10' },
    },
  } as const;
  expect(tried(limit(11), aPast({ was })).counts).toMatchObject({ refused: 1, undecided: 0 });
  expect(tried(limit(12), aPast({ was })).counts).toMatchObject({ newlyAccepted: 1 });
});

test('what waited was accepted, and waits for as long as a draft says', () => {
  const was = { accepted: true, expireAt: T0 + 30 * DAY_MS, placements: [] } as const;
  const waited = aPast({ seen: [['A', 'W3', 0, 1]], was }, { waitlist: true });
  expect(tried({ defaultHoldWindowMs: DAY_MS }, waited).counts).toMatchObject({ accepted: 1, timedOtherwise: 0 });
  expect(tried({ waitlistWindowMs: DAY_MS }, waited).counts).toMatchObject({ accepted: 1, timedOtherwise: 1 });
});

test('which warehouse is nearest is unknown where the postal code is kept no more', () => {
  const lost = { lost: ['postal_code'], destination: { countryCode: 'CH', postalCode: '' } };
  const { counts } = tried({ sourcing: 'NEAREST' }, aPast({}, lost));
  expect(counts).toMatchObject({ accepted: 1, sourcingUnknown: 1 });
  const lines = [1, 1].map((quantity) => ({ sku: 'A', quantity, warehouse: '' }));
  expect(tried({ sourcing: 'NEAREST' }, aPast({}, { ...lost, lines })).counts).toMatchObject({ undecided: 1 });
});

test('of each kind of difference no more examples are kept than were asked for', () => {
  const simulation = new RuleSimulation(aRuleSet({ maxUnits: 1 }), new Map(), WAREHOUSE_LIST, 2);
  for (let at = 0; at < 5; at += 1) simulation.try(aPast({ trackingId: `t-${at}` }));
  expect([simulation.counts.newlyRefused, simulation.examples.length]).toEqual([5, 2]);
});
