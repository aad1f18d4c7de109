import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyCount,
  COUNT_CLOCK_SKEW_MAX_MS,
  type CountResult,
  type StockCount,
  uncountedDelta,
} from '../../src/domain/counting.ts';
import { QUANTITY_MAX } from '../../src/domain/stock-level.ts';
import { aLevel, anyLevel, runs, T0 } from '../support/arbitraries.ts';

function aCount(more: Partial<StockCount> = {}): StockCount {
  return {
    sku: 'A',
    warehouse: 'W1',
    onHand: 7,
    unavailable: null,
    committed: null,
    expectedOnHand: null,
    countedAt: null,
    netOfReserved: false,
    ...more,
  };
}

/** On hand after the count, `ignored`, or the refusal's reason. */
function shown(result: CountResult): string | number {
  if (result.outcome === 'counted') return result.level.onHand;
  return result.outcome === 'refused' ? result.refusal.reason : 'ignored';
}

const level = aLevel({ onHand: 10, reserved: 4, unavailable: 2, committed: 1, countedAt: T0 - 100 });

describe('a count', () => {
  const cases: [string, Partial<StockCount>, number, string | number][] = [
    ['replaces on hand', {}, 0, 7],
    ['may fall below reserved', { onHand: 1 }, 0, 1],
    ['gets later movements on top', { countedAt: T0 - 50 }, -3, 4],
    ['adds what is reserved to a net feed', { netOfReserved: true }, 0, 11],
    ['of the same instant as the last one counts', { countedAt: T0 - 100 }, 0, 7],
    ['older than the last one is ignored', { countedAt: T0 - 101 }, 0, 'ignored'],
    ['may be a little ahead of our clock', { countedAt: T0 + COUNT_CLOCK_SKEW_MAX_MS }, 0, 7],
    ['may not lie in the future', { countedAt: T0 + COUNT_CLOCK_SKEW_MAX_MS + 1 }, 0, 'INVALID_FIELD'],
    ['is compared with what is expected', { expectedOnHand: 10 }, 0, 7],
    ['is refused where another number is expected', { expectedOnHand: 9 }, 0, 'ETAG_MISMATCH'],
    ['may not contradict later movements', { countedAt: T0 - 50 }, -8, 'INVALID_FIELD'],
    ['may not leave the range of the counter', { onHand: QUANTITY_MAX, countedAt: T0 - 50 }, 1, 'INVALID_FIELD'],
    // In this order: future, expectation, age, range.
    ['in the future and unexpected', { countedAt: T0 + 300_001, expectedOnHand: 9 }, 0, 'INVALID_FIELD'],
    ['unexpected and old', { countedAt: 0, expectedOnHand: 9 }, 0, 'ETAG_MISMATCH'],
    ['old and out of range', { countedAt: 0 }, -8, 'ignored'],
  ];
  test.each(cases)('%s', (_, count, movedSince, expected) => {
    expect(shown(applyCount(level, aCount(count), movedSince, T0))).toBe(expected);
  });

  test('says what is on hand where another number was expected', () => {
    expect(applyCount(level, aCount({ expectedOnHand: 9 }), 0, T0)).toMatchObject({
      refusal: { metadata: { on_hand: '10', sku: 'A', warehouse: 'W1' } },
    });
  });

  test.each([
    [null, null, 2, 1],
    [0, null, 0, 1],
    [5, 3, 5, 3],
  ])('with unavailable %s and committed %s', (unavailable, committed, wantUnavailable, wantCommitted) => {
    expect(applyCount(level, aCount({ unavailable, committed }), 0, T0)).toMatchObject({
      level: { unavailable: wantUnavailable, committed: wantCommitted, reserved: 4 },
    });
  });

  test('by a clock ahead of ours does not shut out the next one', () => {
    const first = applyCount(level, aCount({ countedAt: T0 + 200_000 }), 0, T0);
    expect(first).toMatchObject({ level: { countedAt: T0 } });
    if (first.outcome === 'counted') expect(shown(applyCount(first.level, aCount({ onHand: 3 }), 0, T0 + 1))).toBe(3);
  });

  test('changes neither reserved nor safety stock nor version, and keeps its own time', () => {
    fc.assert(
      fc.property(
        anyLevel,
        fc.nat(50),
        fc.integer({ min: -60, max: 60 }),
        fc.nat(1_000),
        (before, onHand, moved, age) => {
          const result = applyCount(before, aCount({ onHand, countedAt: T0 - age }), moved, T0);
          expect(result.outcome).toBe(onHand + moved >= 0 ? 'counted' : 'refused');
          if (result.outcome !== 'counted') return;
          expect(result.level).toEqual({ ...before, onHand: onHand + moved, countedAt: T0 - age });
        },
      ),
      runs(),
    );
  });
});

test.each([
  [T0 - 101, 0],
  [T0 - 100, -2],
  [T0 - 99, -2],
])('a departure at %i after a count changes on hand by %i', (occurredAt, onHand) => {
  expect(uncountedDelta(level, { onHand: -2, reserved: -2 }, occurredAt)).toEqual({ onHand, reserved: -2 });
});
