import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  availableTo,
  inPriorityOrder,
  type LineDemand,
  type Placement,
  type SourcingRequest,
  source,
} from '../../src/domain/sourcing.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import { aLevel, anyRuledPools, aWarehouse, poolsOf, runs, SKUS, WAREHOUSES } from '../support/arbitraries.ts';

const W1 = aWarehouse('W1', { priority: 1 });
const W2 = aWarehouse('W2', { priority: 2 });
const W3 = aWarehouse('W3', { priority: 3 });

function demand(lineNumber: number, quantity: number, more: Partial<LineDemand> = {}): LineDemand {
  return { lineNumber, sku: 'A', quantity, warehouse: '', ...more };
}

function request(
  levels: readonly StockLevel[],
  demands: LineDemand[],
  more: Partial<SourcingRequest> = {},
): SourcingRequest {
  return {
    demands,
    pools: poolsOf(...levels),
    warehouses: [W1, W2, W3],
    strategy: 'PRIORITY',
    splitAllowed: true,
    partial: false,
    forSale: false,
    ...more,
  };
}

/** Placements as `line warehouse quantity`, or the refusal's reason. */
function plan(asked: SourcingRequest): string[] | string {
  const result = source(asked);
  if ('refusal' in result) return result.refusal.reason;
  return result.placements.map((one) => `${one.lineNumber} ${one.warehouse} ${one.quantity}`);
}

const levels = (...onHand: number[]) => onHand.map((count, at) => aLevel({ onHand: count, warehouse: `W${at + 1}` }));

describe('the choice of warehouses', () => {
  const cases: [string, SourcingRequest, string[] | string][] = [
    ['the first in order that has it whole', request(levels(5, 5), [demand(1, 5)]), ['1 W1 5']],
    ['a later one that has it whole before a split', request(levels(3, 5), [demand(1, 4)]), ['1 W2 4']],
    [
      'a split in order where none has it whole',
      request(levels(3, 1, 2), [demand(1, 5)]),
      ['1 W1 3', '1 W2 1', '1 W3 1'],
    ],
    ['no split where the rules forbid it', request(levels(3, 3), [demand(1, 4)], { splitAllowed: false }), 'NO_STOCK'],
    ['one unit too many', request(levels(3, 3), [demand(1, 7)]), 'NO_STOCK'],
    ['lines of one pool summed', request(levels(3), [demand(1, 2), demand(2, 2)]), 'NO_STOCK'],
    ['lines of one pool that just fit', request(levels(4), [demand(1, 2), demand(2, 2)]), ['1 W1 2', '2 W1 2']],
    ['all lines or none', request(levels(4), [demand(1, 2), demand(2, 1, { sku: 'B' })]), 'NO_STOCK'],
    ['the pinned warehouse only', request(levels(5, 1), [demand(1, 2, { warehouse: 'W2' })]), 'NO_STOCK'],
    [
      'pinned lines before free ones',
      request(levels(2, 2), [demand(1, 2), demand(2, 2, { warehouse: 'W1' })]),
      ['1 W2 2', '2 W1 2'],
    ],
    ['a pinned warehouse that does not serve', request(levels(5), [demand(1, 1, { warehouse: 'W9' })]), 'NO_STOCK'],
    ['partial: what there is', request(levels(2, 1), [demand(1, 9)], { partial: true }), ['1 W1 2', '1 W2 1']],
    ['partial: nothing at all', request(levels(0, 0), [demand(1, 1)], { partial: true }), 'NO_STOCK'],
    [
      'partial without split: the warehouse with most',
      request(levels(2, 3, 3), [demand(1, 9)], { partial: true, splitAllowed: false }),
      ['1 W2 3'],
    ],
    ['partial: a line may stay empty', request(levels(1), [demand(1, 1), demand(2, 1)], { partial: true }), ['1 W1 1']],
    ['no lines', request(levels(1), []), []],
    ['no warehouse', request(levels(1), [demand(1, 1)], { warehouses: [] }), 'NO_STOCK'],
  ];
  test.each(cases)('%s', (_, asked, expected) => {
    expect(plan(asked)).toEqual(expected);
  });
});

describe('the order of warehouses', () => {
  const all = [
    aWarehouse('B', { priority: 1 }),
    aWarehouse('A', { priority: 1 }),
    aWarehouse('C', { priority: 0 }),
    aWarehouse('D', { priority: 0, enabled: false }),
  ];
  test.each([
    [undefined, 'C A B'],
    [['B', 'C'], 'C B'],
    [['D'], ''],
    [[], ''],
  ])('allowed %j: %s', (allowed, codes) => {
    const ordered = inPriorityOrder(all, allowed);
    expect(ordered.map((warehouse) => warehouse.code).join(' ')).toBe(codes);
  });

  test('does not disturb the list it was given', () => {
    const before = [...all];
    inPriorityOrder(all);
    expect(all).toEqual(before);
  });
});

describe('the refusal', () => {
  test.each([
    [
      'one pool',
      [aLevel({ reserved: 9, version: 4 })],
      '',
      { warehouse: 'W1', available: '1', version: '4', held_by: 'exchange' },
    ],
    ['a pinned pool', levels(1, 9), 'W1', { warehouse: 'W1', available: '1', version: '1', held_by: '' }],
    ['several pools', levels(1, 1), '', { warehouse: '', available: '2', version: '1', held_by: '' }],
    ['sold elsewhere', [aLevel({ committed: 10 })], '', { available: '0', held_by: 'sale' }],
    ['safety stock', [aLevel({ safetyStock: 10 })], '', { available: '0', held_by: 'safety' }],
    ['damage', [aLevel({ unavailable: 10 })], '', { available: '0', held_by: 'unavailable' }],
    ['no pool at all', [], '', { warehouse: '', available: '0', version: '0', held_by: '' }],
  ])('names %s', (_, pools, warehouse, metadata) => {
    const result = source(request(pools, [demand(1, 2, { warehouse }), demand(2, 3, { warehouse })]));
    // Both lines ask for the same SKU, so their sum is what was requested.
    expect(result).toMatchObject({
      refusal: { reason: 'NO_STOCK', metadata: { sku: 'A', requested: '5', ...metadata } },
    });
  });

  test('names the line that has nothing, not the first', () => {
    const result = source(request(levels(5), [demand(1, 1), demand(2, 1, { sku: 'B' })]));
    expect(result).toMatchObject({ refusal: { metadata: { sku: 'B', requested: '1' } } });
  });
});

describe('for any stock and any lines', () => {
  const anyDemands = fc
    .array(
      fc.record({
        sku: fc.constantFrom(...SKUS),
        quantity: fc.integer({ min: 1, max: 30 }),
        warehouse: fc.constantFrom('', '', '', ...WAREHOUSES),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((lines) => lines.map((line, at) => ({ ...line, lineNumber: at + 1 })));
  const anyRequest: fc.Arbitrary<SourcingRequest> = fc.record({
    demands: anyDemands,
    pools: anyRuledPools.map((pools) => poolsOf(...pools)),
    warehouses: fc.subarray([W1, W2, W3]),
    strategy: fc.constantFrom('PRIORITY' as const, 'MOST_AVAILABLE' as const, 'FEWEST_SPLITS' as const),
    splitAllowed: fc.boolean(),
    partial: fc.boolean(),
    forSale: fc.boolean(),
  });

  const sumBy = <T>(items: readonly T[], key: (item: T) => string, units: (item: T) => number) => {
    const sums = new Map<string, number>();
    for (const item of items) sums.set(key(item), (sums.get(key(item)) ?? 0) + units(item));
    return sums;
  };

  const placementsOf = (asked: SourcingRequest): readonly Placement[] => {
    const result = source(asked);
    fc.pre(!('refusal' in result));
    return 'refusal' in result ? [] : result.placements;
  };

  test('no pool gives more than is available, summed over all lines', () => {
    fc.assert(
      fc.property(anyRequest, (asked) => {
        const taken = sumBy(
          placementsOf(asked),
          (one) => poolKey(one.sku, one.warehouse),
          (one) => one.quantity,
        );
        for (const [key, units] of taken) {
          const level = asked.pools.get(key);
          expect(level).toBeDefined();
          if (level !== undefined) expect(units).toBeLessThanOrEqual(availableTo(asked, level));
        }
      }),
      runs(),
    );
  });

  test('every line is whole, or smaller only where partial, and served where and how it may be', () => {
    fc.assert(
      fc.property(anyRequest, (asked) => {
        const placements = placementsOf(asked);
        for (const line of asked.demands) {
          const mine = placements.filter((one) => one.lineNumber === line.lineNumber);
          const units = mine.reduce((sum, one) => sum + one.quantity, 0);
          if (asked.partial) expect(units).toBeLessThanOrEqual(line.quantity);
          else expect(units).toBe(line.quantity);
          if (!asked.splitAllowed) expect(mine.length).toBeLessThanOrEqual(1);
          expect(new Set(mine.map((one) => one.warehouse)).size).toBe(mine.length);
          for (const one of mine) {
            expect(one.sku).toBe(line.sku);
            expect(one.quantity).toBeGreaterThan(0);
            expect(asked.warehouses.map((warehouse) => warehouse.code)).toContain(one.warehouse);
            if (line.warehouse !== '') expect(one.warehouse).toBe(line.warehouse);
          }
        }
      }),
      runs(),
    );
  });

  test('with split allowed and nothing pinned, it is refused only if a SKU lacks units, and partial takes all there are', () => {
    fc.assert(
      fc.property(anyRequest, (mixed) => {
        const demands = mixed.demands.map((line) => ({ ...line, warehouse: '' }));
        const asked = { ...mixed, demands, splitAllowed: true };
        const serving = new Set(asked.warehouses.map((warehouse) => warehouse.code));
        const usable = [...asked.pools.values()].filter((level) => serving.has(level.warehouse));
        const there = sumBy(
          usable,
          (level) => level.sku,
          (level) => availableTo(asked, level),
        );
        const wanted = sumBy(
          demands,
          (line) => line.sku,
          (line) => line.quantity,
        );
        const result = source(asked);
        const held = 'refusal' in result ? [] : result.placements;
        const got = sumBy(
          held,
          (one) => one.sku,
          (one) => one.quantity,
        );
        const reachable = (sku: string, units: number) => Math.min(units, there.get(sku) ?? 0);
        const enough = [...wanted].every(([sku, units]) => reachable(sku, units) === units);
        if (!asked.partial) expect('refusal' in result).toBe(!enough);
        if (asked.partial) for (const [sku, units] of wanted) expect(got.get(sku) ?? 0).toBe(reachable(sku, units));
      }),
      runs(),
    );
  });

  test('the same request gets the same answer, and nothing it was given is changed', () => {
    fc.assert(
      fc.property(anyRequest, (asked) => {
        const before = structuredClone({ ...asked, pools: [...asked.pools] });
        expect(source(asked)).toEqual(source(asked));
        expect({ ...asked, pools: [...asked.pools] }).toEqual(before);
      }),
      runs(),
    );
  });
});

test('P21: too little is told with SKU, places, units asked and free, and who holds the rest', () => {
  const pools = poolsOf(aLevel({ onHand: 9, reserved: 8 }), aLevel({ warehouse: 'W2', onHand: 1, unavailable: 1 }));
  const warehouses = [aWarehouse('W1'), aWarehouse('W2')];
  const demands = [{ lineNumber: 1, sku: 'A', quantity: 3, warehouse: '' }];
  const sourced = source({
    demands,
    pools,
    warehouses,
    strategy: 'PRIORITY',
    splitAllowed: true,
    partial: false,
    forSale: false,
  });
  expect(sourced).toMatchObject({
    refusal: {
      reason: 'NO_STOCK',
      message: '3 of A requested, 1 available in W1, W2; most of the rest is held by exchange',
      metadata: { sku: 'A', warehouses: 'W1, W2', requested: '3', available: '1', held_by: 'exchange' },
    },
  });
});
