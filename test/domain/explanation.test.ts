import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explain } from '../../src/domain/explanation.ts';
import { toLines } from '../../src/domain/requested-line.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { SEEN_POOLS_MAX, type SeenPool, seenPools } from '../../src/domain/seen-pools.ts';
import { availableTo, type SourcingRequest, source } from '../../src/domain/sourcing.ts';
import { poolKey } from '../../src/domain/stock-level.ts';
import {
  aLevel,
  aLine,
  anAllocation,
  anyRuledPools,
  aReservation,
  aWarehouse,
  poolsOf,
  runs,
  SKUS,
  WAREHOUSES,
} from '../support/arbitraries.ts';

const sourcing = (outcomes: ReturnType<typeof explain>) => outcomes.filter((one) => one.step === 'sourcing');

describe('an explanation', () => {
  test('P26: tells what the pick awaits, or that it was reported before, where the rules name a milestone', () => {
    const picks = (...args: Parameters<typeof explain>) =>
      explain(...args).flatMap(({ step, outcome }) => (step === 'pick' ? [outcome] : []));
    const rules = { ...FIRST_RULES, pickOn: 'RETURN_RECEIVED' } as const;
    expect(picks(aReservation(), [], FIRST_RULES)).toEqual([]);
    expect(picks(aReservation(), [], rules)).toEqual(['RETURN_RECEIVED was reported before']);
    expect(picks(aReservation({ pickAwaits: 'RETURN_RECEIVED' }), [], rules)).toEqual([
      'awaits RETURN_RECEIVED: no pick was asked for',
    ]);
  });

  test('tells by which rules, from which warehouses and for how long', () => {
    const made = aReservation({
      ruleVersion: 7,
      createdAt: 0,
      expireAt: 3_600_000,
      lines: [aLine({ quantity: 3, allocations: [anAllocation({ warehouse: 'W3', reserved: 3 })] })],
    });
    const seen: SeenPool[] = [
      ['A', 'W1', 0, 4],
      ['A', 'W2', 2, 5],
      ['A', 'W3', 9, 6],
      ['A', 'W4', 9, 1],
    ];
    const steps = explain(made, seen, { ...FIRST_RULES, sourcing: 'NEAREST', splitAllowed: false });
    expect(steps.map((step) => step.step)).toEqual([
      'eligibility',
      'strategy',
      ...seen.map(() => 'sourcing'),
      'deadline',
    ]);
    expect(steps[0]?.outcome).toBe('allowed by version 7 of the rules');
    expect(steps[1]?.outcome).toMatch(/^warehouses chosen by NEAREST: .*; no line is split$/);
    expect(
      sourcing(steps).map(({ warehouse, available, version, outcome }) => [warehouse, available, version, outcome]),
    ).toEqual([
      ['W1', 0, 4, 'line 1 of 3: nothing available'],
      ['W2', 2, 5, 'line 1 of 3: not enough for the whole line'],
      ['W3', 9, 6, 'line 1 of 3: takes 3'],
      ['W4', 9, 1, 'line 1 of 3: not needed'],
    ]);
    expect(steps.at(-1)?.outcome).toBe('held until 1970-01-01T01:00:00.000Z, 3600 s after it was made');
  });

  test('R19: says of what waits that it waits', () => {
    const made = aReservation({ state: 'WAITLISTED', createdAt: 0, expireAt: 1_000 });
    expect(explain(made, [], FIRST_RULES).at(-1)?.outcome).toBe(
      'waits until 1970-01-01T00:00:01.000Z, 1 s after it was made',
    );
  });

  test('says what was taken also where no numbers were kept', () => {
    const steps = sourcing(explain(aReservation(), [], FIRST_RULES));
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ sku: 'A', available: 0, version: 0, outcome: expect.stringMatching(/not kept$/) });
  });
});

const anyRequest = fc
  .record({
    pools: anyRuledPools,
    lines: fc.array(
      fc.record({
        sku: fc.constantFrom(...SKUS),
        quantity: fc.integer({ min: 1, max: 6 }),
        pin: fc.constantFrom('', 'W2'),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    strategy: fc.constantFrom('PRIORITY' as const, 'MOST_AVAILABLE' as const, 'FEWEST_SPLITS' as const),
    splitAllowed: fc.boolean(),
    partial: fc.boolean(),
    forSale: fc.boolean(),
  })
  .map(
    ({ pools, lines, ...more }): SourcingRequest => ({
      ...more,
      pools: poolsOf(...pools),
      warehouses: WAREHOUSES.map((code) => aWarehouse(code)),
      demands: lines.map(({ sku, quantity, pin }, at) => ({ lineNumber: at + 1, sku, quantity, warehouse: pin })),
    }),
  );

test('the numbers seen are those before the decision, and every unit taken is explained by them', () => {
  const property = fc.property(anyRequest, (request) => {
    const seen = seenPools(request);
    for (const [sku, warehouse, available, version] of seen) {
      const level = request.pools.get(poolKey(sku, warehouse));
      expect([available, version]).toEqual([level === undefined ? -1 : availableTo(request, level), level?.version]);
    }
    const sourced = source(request);
    if ('refusal' in sourced) return;
    const lines = toLines(
      request.demands.map((demand) => ({ ...demand, orderLineId: '', returnedSku: '', purchasedQuantity: 0 })),
      1,
      sourced.placements,
    );
    const steps = sourcing(explain(aReservation({ lines }), seen, FIRST_RULES));
    const takes = steps.flatMap(({ outcome, available }) => {
      const units = Number(/takes (\d+)$/.exec(outcome)?.[1] ?? 0);
      return units === 0 ? [] : [{ units, available }];
    });
    expect(takes.map((one) => one.units)).toHaveLength(sourced.placements.length);
    expect(takes.reduce((sum, one) => sum + one.units, 0)).toBe(
      sourced.placements.reduce((sum, one) => sum + one.quantity, 0),
    );
    expect(steps.every((step) => !step.outcome.endsWith('not kept'))).toBe(true);
  });
  fc.assert(property, runs());
});

test('an event keeps a bounded number of them', () => {
  const warehouses = Array.from({ length: SEEN_POOLS_MAX + 5 }, (_, at) => aWarehouse(`W${at}`));
  const pools = poolsOf(...warehouses.map(({ code }) => aLevel({ warehouse: code })));
  const demands = [{ lineNumber: 1, sku: 'A', quantity: 1, warehouse: '' }];
  const request: SourcingRequest = {
    demands,
    pools,
    warehouses,
    strategy: 'PRIORITY',
    splitAllowed: true,
    partial: false,
    forSale: false,
  };
  expect(seenPools(request)).toHaveLength(SEEN_POOLS_MAX);
});
