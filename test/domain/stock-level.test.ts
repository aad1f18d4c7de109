import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BrokenInvariant } from '../../src/domain/refusal.ts';
import {
  applyDelta,
  availabilityFlag,
  availableUnits,
  fitsCounters,
  freeUnits,
  poolKey,
  QUANTITY_MAX,
  shortageUnits,
} from '../../src/domain/stock-level.ts';
import { aLevel, anyLevel, runs } from '../support/arbitraries.ts';

// onHand, unavailable, committed, reserved, due, safetyStock → free, available, shortage
const FORMULAS: [number, number, number, number, number, number, number, number, number][] = [
  [0, 0, 0, 0, 0, 0, 0, 0, 0],
  [10, 0, 0, 0, 0, 0, 10, 10, 0],
  [10, 3, 0, 0, 0, 0, 7, 7, 0],
  [10, 0, 4, 0, 0, 0, 6, 6, 0],
  [10, 0, 0, 5, 0, 0, 5, 5, 0],
  [10, 0, 0, 5, 5, 0, 10, 10, 0],
  [10, 0, 0, 5, 2, 0, 7, 7, 0],
  [10, 0, 0, 0, 0, 6, 4, 4, 0],
  [10, 1, 2, 3, 1, 4, 1, 1, 0],
  // Safety stock and what other systems sold make available zero, never a shortage.
  [10, 0, 0, 10, 0, 5, -5, 0, 0],
  [10, 0, 8, 5, 0, 0, -3, 0, 0],
  // A count or damage below what is reserved is a shortage, due units excepted.
  [3, 0, 0, 5, 0, 0, -2, 0, 2],
  [5, 2, 0, 5, 0, 0, -2, 0, 2],
  [3, 0, 0, 5, 2, 0, 0, 0, 0],
  [0, 0, 0, 7, 7, 0, 0, 0, 0],
  [2, 5, 0, 0, 0, 0, -3, 0, 3],
];

describe('formulas of a pool', () => {
  test.each(FORMULAS)(
    'on hand %i, unavailable %i, committed %i, reserved %i, due %i, safety %i → free %i, available %i, shortage %i',
    (onHand, unavailable, committed, reserved, due, safetyStock, free, available, shortage) => {
      const level = aLevel({ onHand, unavailable, committed, reserved, safetyStock });
      expect([freeUnits(level, due), availableUnits(level, due), shortageUnits(level, due)]).toEqual([
        free,
        available,
        shortage,
      ]);
    },
  );

  test('available and shortage are never negative, and what is due counts as free', () => {
    fc.assert(
      fc.property(anyLevel, fc.nat({ max: 60 }), (level, due) => {
        expect(availableUnits(level, due)).toBeGreaterThanOrEqual(0);
        expect(shortageUnits(level, due)).toBeGreaterThanOrEqual(0);
        expect(freeUnits(level, due) - freeUnits(level)).toBe(due);
        if (shortageUnits(level, due) > 0) expect(availableUnits(level, due)).toBe(0);
      }),
      runs(),
    );
  });

  test('reserving what is available never makes a shortage', () => {
    fc.assert(
      fc.property(anyLevel, (level) => {
        fc.pre(availableUnits(level) > 0);
        const after = applyDelta(level, { reserved: availableUnits(level) });
        expect(availableUnits(after)).toBe(0);
        expect(shortageUnits(after)).toBe(0);
      }),
      runs(),
    );
  });

  test.each([
    [0, 0, 'OUT'],
    [-1, 5, 'OUT'],
    [1, 0, 'IN_STOCK'],
    [5, 5, 'LOW'],
    [6, 5, 'IN_STOCK'],
  ] as const)('%i available with threshold %i is %s', (available, threshold, flag) => {
    expect(availabilityFlag(available, threshold)).toBe(flag);
  });
});

describe('a delta', () => {
  test.each([
    [{ onHand: -11 }, false],
    [{ onHand: -10 }, true],
    [{ reserved: -1 }, false],
    [{ unavailable: -1 }, false],
    [{ committed: -1 }, false],
    [{ onHand: QUANTITY_MAX - 10 }, true],
    [{ onHand: QUANTITY_MAX - 9 }, false],
    [{ reserved: QUANTITY_MAX + 1 }, false],
    [{}, true],
  ])('%o on ten units fits: %s', (delta, fits) => {
    const level = aLevel();
    expect(fitsCounters(level, delta)).toBe(fits);
    if (!fits) expect(() => applyDelta(level, delta)).toThrow(BrokenInvariant);
  });

  test('is undone by its opposite, and leaves every other field alone', () => {
    const delta = fc.record({
      onHand: fc.integer({ min: -9, max: 9 }),
      reserved: fc.integer({ min: -9, max: 9 }),
      unavailable: fc.integer({ min: -9, max: 9 }),
      committed: fc.integer({ min: -9, max: 9 }),
    });
    fc.assert(
      fc.property(anyLevel, delta, (level, change) => {
        fc.pre(fitsCounters(level, change));
        const opposite = {
          onHand: -change.onHand,
          reserved: -change.reserved,
          unavailable: -change.unavailable,
          committed: -change.committed,
        };
        const after = applyDelta(level, change);
        expect(after).toMatchObject({ version: level.version, safetyStock: level.safetyStock, sku: level.sku });
        expect(after.onHand - level.onHand).toBe(change.onHand);
        expect(after.reserved - level.reserved).toBe(change.reserved);
        expect(after.unavailable - level.unavailable).toBe(change.unavailable);
        expect(after.committed - level.committed).toBe(change.committed);
        expect(applyDelta(after, opposite)).toEqual(level);
      }),
      runs(),
    );
  });
});

test('two pools have different keys, also where the names run together', () => {
  expect(poolKey('AB', 'C')).not.toBe(poolKey('A', 'BC'));
});
