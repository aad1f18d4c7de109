import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PoolRules, type SafetyStock, shareMinimum } from '../../src/domain/pool-rules.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import {
  availabilityFlag,
  availableUnits,
  canLookOther,
  freeUnits,
  type StockLevel,
  saleAvailableUnits,
} from '../../src/domain/stock-level.ts';
import { aLevel, anyLevel, anyRuledPools, runs } from '../support/arbitraries.ts';

const rulesWith = (more: Partial<Rules>) => new PoolRules({ ...FIRST_RULES, ...more });
const entry = (sku: string, warehouse: string, units: number, percent = 0): SafetyStock => ({
  sku,
  warehouse,
  units,
  percent,
});
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('the safety stock of a pool', () => {
  const ALL = [entry('', '', 1), entry('', 'W1', 2), entry('A', '', 3), entry('A', 'W1', 4)];
  test.each<[string, SafetyStock[], number]>([
    ['is nothing without an entry', [], 0],
    ['is nothing by entries for others', [entry('B', '', 5), entry('', 'W2', 5), entry('B', 'W1', 5)], 0],
    ['is that of every pool', ALL.slice(0, 1), 1],
    ['is that of its warehouse before', ALL.slice(0, 2), 2],
    ['is that of its item before', ALL.slice(0, 3), 3],
    ['is its own before all, whatever their order', ALL.toReversed(), 4],
    ['is nothing where its own entry says so', [...ALL.slice(0, 3), entry('A', 'W1', 0)], 0],
    ['is a share of on hand, rounded up', [entry('A', '', 0, 33)], 4],
    ['is the larger of units and share', [entry('A', '', 5, 33)], 5],
    ['is the larger of share and units', [entry('A', '', 3, 33)], 4],
    ['is all there is by 100 percent', [entry('A', '', 0, 100)], 10],
  ])('%s', (_, safetyStocks, units) => {
    expect(rulesWith({ safetyStocks }).safetyStockOf(aLevel())).toBe(units);
  });
});

test('the exchange pool of an item is its own, else the one of every item', () => {
  const rules = rulesWith({
    exchangePools: [
      { sku: '', minimum: 5, maximum: 9 },
      { sku: 'A', minimum: 0, maximum: 2 },
    ],
  });
  expect([rules.minimumOf('A'), rules.maximumOf('A')]).toEqual([0, 2]);
  expect([rules.minimumOf('B'), rules.maximumOf('B')]).toEqual([5, 9]);
  expect([rulesWith({}).minimumOf('A'), rulesWith({}).maximumOf('A')]).toEqual([0, 0]);
});

describe('the minimum of an item, shared out over its pools', () => {
  const pool = (onHand: number, reserved: number, saleReserved = 0) => aLevel({ onHand, reserved, saleReserved });
  test.each<[string, StockLevel[], number, number[]]>([
    ['lies where exchanges hold units first', [pool(10, 0), pool(10, 3)], 5, [2, 3]],
    ['does not count what sales hold', [pool(10, 4, 4), pool(10, 3, 3)], 9, [6, 3]],
    ['fills the first pools first', [pool(4, 0), pool(9, 0)], 6, [4, 2]],
    ['is where units are, and no more', [pool(1, 0), pool(2, 1)], 9, [1, 2]],
    ['is nowhere where there is none', [pool(9, 0)], 0, [0]],
    ['is held where more is promised than there is', [pool(1, 3), pool(4, 0)], 5, [3, 2]],
  ])('%s', (_, levels, minimum, parts) => {
    expect(shareMinimum(levels, minimum)).toEqual(parts);
  });

  test('is shared out whole as far as it is there, and sales are left what exceeds what it lacks, no more, no less', () => {
    fc.assert(
      fc.property(anyRuledPools, fc.nat({ max: 200 }), (levels, minimum) => {
        const parts = shareMinimum(levels, minimum);
        const held = sum(levels.map((level) => level.reserved - level.saleReserved));
        const free = sum(levels.map((level) => availableUnits(level)));
        expect(sum(parts)).toBe(Math.min(minimum, held + free));
        const shared = levels.map((level, at) => ({ ...level, exchangeMinimum: parts[at] ?? 0 }));
        const lacking = Math.max(0, minimum - held);
        expect(sum(shared.map((level) => saleAvailableUnits(level)))).toBe(free - Math.min(free, lacking));
        for (const level of shared) expect(saleAvailableUnits(level)).toBeLessThanOrEqual(availableUnits(level));
      }),
      runs(),
    );
  });

  test('keeps for exchanges also what falls due, until somebody looks at the pool', () => {
    const level = aLevel({ onHand: 10, reserved: 6, saleReserved: 2, exchangeMinimum: 5 });
    expect(saleAvailableUnits(level)).toBe(3);
    // Two of the four that exchanges hold are due: free for anyone, but the minimum lacks them.
    expect([freeUnits(level, 2), saleAvailableUnits(level, 2)]).toEqual([6, 3]);
    // What sales held is theirs again.
    expect([freeUnits(level, 2), saleAvailableUnits(level, 2, 2)]).toEqual([6, 5]);
  });
});

test('a pool could look other by another threshold exactly where some due units give it another flag', () => {
  fc.assert(
    fc.property(anyLevel, fc.nat({ max: 30 }), fc.nat({ max: 30 }), (level, was, is) => {
      const seen = { ...level, lowThreshold: was };
      const differs = Array.from({ length: level.reserved + 1 }, (_, due) => availableUnits(seen, due)).some(
        (available) => availabilityFlag(available, was) !== availabilityFlag(available, is),
      );
      expect(canLookOther(seen, is)).toBe(differs);
    }),
    runs(),
  );
});
