import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LockedPools } from '../../src/domain/locked-pools.ts';
import { poolRulesOf, shareMinimum } from '../../src/domain/pool-rules.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import { aLevel, anyPools, runs, SKUS, T0, WAREHOUSES } from '../support/arbitraries.ts';

const rulesWith = (version: number, more: Partial<Rules>): Rules => ({ ...FIRST_RULES, version, ...more });
const TENTH = { sku: '', warehouse: '', units: 0, percent: 10 };

/** Pools as the first rules have them. */
const plain = (levels: readonly StockLevel[]) => levels.map((level) => ({ ...level, safetyStock: 0 }));

describe('locked pools', () => {
  test('are unchanged where the rules say nothing of them, or what they say already', () => {
    expect(new LockedPools([aLevel()], rulesWith(2, { maxLines: 1 })).changed(T0)).toEqual([]);
    const kept = aLevel({ onHand: 95, safetyStock: 10, ruleVersion: 2, exchangeMinimum: 4 });
    const rules = rulesWith(3, { safetyStocks: [TENTH], exchangePools: [{ sku: 'A', minimum: 4, maximum: 0 }] });
    expect(new LockedPools([kept], rules).changed(T0)).toEqual([]);
  });

  test('follow the rules at once, as a change of their own with the version of the rules', () => {
    const pools = new LockedPools(
      [aLevel({ version: 7 }), aLevel({ sku: 'B', onHand: 0 })],
      rulesWith(2, { safetyStocks: [TENTH] }),
    );
    const after = { sku: 'A', safetyStock: 1, ruleVersion: 2, version: 8, changedAt: T0, onHand: 10 };
    expect(pools.changed(T0)).toMatchObject([{ before: { safetyStock: 0 }, after }]);
  });

  test('follow rules that are made meanwhile', () => {
    const pools = new LockedPools([aLevel()], FIRST_RULES);
    pools.follow(rulesWith(2, { safetyStocks: [TENTH], lowThreshold: 20 }));
    expect(pools.changed(T0)).toMatchObject([{ after: { safetyStock: 1, lowThreshold: 20, ruleVersion: 2 } }]);
  });

  test('keep a share of what is on hand when it changes', () => {
    const pools = new LockedPools([aLevel()], rulesWith(2, { safetyStocks: [TENTH] }));
    pools.set(aLevel({ onHand: 101 }));
    expect(pools.get(poolKey('A', 'W1'))).toMatchObject({ onHand: 101, safetyStock: 11 });
  });

  test('share the minimum of an item anew when one of its pools changes, and leave other items alone', () => {
    const levels = [aLevel(), aLevel({ warehouse: 'W2' }), aLevel({ sku: 'B' })];
    const pools = new LockedPools(levels, rulesWith(2, { exchangePools: [{ sku: 'A', minimum: 12, maximum: 0 }] }));
    expect(minimums(pools)).toEqual([10, 2, 0]);
    pools.set({ ...(pools.get(poolKey('A', 'W2')) ?? aLevel()), reserved: 3 });
    expect(minimums(pools)).toEqual([9, 3, 0]);
    pools.follow(rulesWith(3, {}));
    expect(minimums(pools)).toEqual([0, 0, 0]);
  });

  test('are always what the rules make of their counters, whatever changes in whatever order', () => {
    const anyRules = fc.record({
      safetyStocks: fc.uniqueArray(
        fc.record({
          sku: fc.constantFrom('', ...SKUS),
          warehouse: fc.constantFrom('', ...WAREHOUSES),
          units: fc.nat({ max: 5 }),
          percent: fc.nat({ max: 100 }),
        }),
        { selector: (one) => poolKey(one.sku, one.warehouse), maxLength: 5 },
      ),
      exchangePools: fc.uniqueArray(
        fc.record({ sku: fc.constantFrom('', ...SKUS), minimum: fc.nat({ max: 40 }), maximum: fc.constant(0) }),
        { selector: (one) => one.sku, maxLength: 3 },
      ),
      lowThreshold: fc.nat({ max: 20 }),
    });
    const anyStep = fc.oneof(
      fc.record({ at: fc.nat({ max: 8 }), onHand: fc.nat({ max: 60 }), reserved: fc.nat({ max: 60 }) }),
      anyRules,
    );
    fc.assert(
      fc.property(anyPools, anyRules, fc.array(anyStep, { maxLength: 8 }), (levels, first, steps) => {
        let rules = rulesWith(2, first);
        const pools = new LockedPools(plain(levels), rules);
        for (const [number, step] of steps.entries()) {
          if ('at' in step) {
            const { sku = '', warehouse = '' } = levels[step.at] ?? {};
            const level = pools.get(poolKey(sku, warehouse)) ?? aLevel();
            const { onHand, reserved } = step;
            pools.set({ ...level, onHand, reserved, saleReserved: Math.floor(reserved / 3) });
          } else {
            rules = rulesWith(number + 3, step);
            pools.follow(rules);
          }
          expectRuled(pools, rules);
        }
        for (const { after } of pools.changed(T0)) expect(after.ruleVersion).toBe(rules.version);
      }),
      runs(),
    );
  });
});

function expectRuled(pools: LockedPools, rules: Rules): void {
  const poolRules = poolRulesOf(rules);
  for (const sku of SKUS) {
    const levels = WAREHOUSES.map((warehouse) => pools.get(poolKey(sku, warehouse)) ?? aLevel());
    expect(levels.map((level) => level.safetyStock)).toEqual(levels.map((level) => poolRules.safetyStockOf(level)));
    expect(levels.map((level) => level.exchangeMinimum)).toEqual(shareMinimum(levels, poolRules.minimumOf(sku)));
  }
}

function minimums(pools: LockedPools): number[] {
  return [...pools.levels.values()].map((level) => level.exchangeMinimum);
}
