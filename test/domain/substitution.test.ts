import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LADDER, descend, type LadderStep } from '../../src/domain/ladder.ts';
import {
  availableTo,
  type LineDemand,
  type SourcingRequest,
  type SourcingStrategy,
  source,
} from '../../src/domain/sourcing.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import { aLevel, anyRuledPools, aWarehouse, poolsOf, runs, SKUS } from '../support/arbitraries.ts';

const warehouses = ['W1', 'W2', 'W3'].map((code, at) => aWarehouse(code, { priority: at + 1 }));
const unlimited = () => Number.POSITIVE_INFINITY;

function line(lineNumber: number, sku: string, quantity: number, ...substitutes: string[]): LineDemand {
  return { lineNumber, sku, quantity, warehouse: '', substitutes };
}

/** Pools from `sku@warehouse: units`. */
function stock(units: Readonly<Record<string, number>>): StockLevel[] {
  return Object.entries(units).map(([key, onHand]) => {
    const [sku = '', warehouse = ''] = key.split('@');
    return aLevel({ sku, warehouse, onHand });
  });
}

function request(levels: readonly StockLevel[], demands: readonly LineDemand[], more: Partial<SourcingRequest> = {}) {
  return {
    demands,
    pools: poolsOf(...levels),
    warehouses,
    strategy: 'PRIORITY' as SourcingStrategy,
    splitAllowed: true,
    partial: false,
    forSale: false,
    room: unlimited,
    ...more,
  };
}

/** Placements as `line sku warehouse units`, or the refusal's reason and SKU. */
function plan(asked: SourcingRequest): string[] | string {
  const result = source(asked);
  if ('refusal' in result) return `${result.refusal.reason} ${result.refusal.metadata.sku}`;
  return result.placements.map(({ lineNumber, sku, warehouse, quantity, substitutedFor }) =>
    [lineNumber, sku, warehouse, quantity, ...(substitutedFor === undefined ? [] : [`for ${substitutedFor}`])].join(
      ' ',
    ),
  );
}

describe('R17: a line that cannot be had whole', () => {
  const cases: [string, SourcingRequest, string[] | string][] = [
    [
      'is its own item where there is enough',
      request(stock({ 'A@W1': 2, 'B@W1': 2 }), [line(1, 'A', 2, 'B')]),
      ['1 A W1 2'],
    ],
    [
      'is its own item where it must be split for that',
      request(stock({ 'A@W1': 1, 'A@W2': 1, 'B@W1': 2 }), [line(1, 'A', 2, 'B')]),
      ['1 A W1 1', '1 A W2 1'],
    ],
    ['is the equivalent item', request(stock({ 'A@W1': 1, 'B@W1': 2 }), [line(1, 'A', 2, 'B')]), ['1 B W1 2 for A']],
    [
      'is the first equivalent item that has it whole',
      request(stock({ 'B@W1': 1, 'C@W2': 2, 'D@W1': 2 }), [line(1, 'A', 2, 'B', 'C', 'D')]),
      ['1 C W2 2 for A'],
    ],
    [
      'is split over warehouses as any other',
      request(stock({ 'B@W1': 1, 'B@W3': 1 }), [line(1, 'A', 2, 'B')]),
      ['1 B W1 1 for A', '1 B W3 1 for A'],
    ],
    [
      'stays in its warehouse',
      request(stock({ 'B@W1': 2, 'C@W2': 2 }), [{ ...line(1, 'A', 2, 'B', 'C'), warehouse: 'W2' }]),
      ['1 C W2 2 for A'],
    ],
    ['is refused by its own name', request(stock({ 'A@W1': 1, 'B@W1': 1 }), [line(1, 'A', 2, 'B')]), 'NO_STOCK A'],
    [
      'is refused without consent',
      request(stock({ 'B@W1': 2 }), [line(1, 'A', 2, 'B')], { room: () => 0 }),
      'NO_STOCK A',
    ],
    [
      'leaves to others what they ask for themselves',
      request(stock({ 'B@W1': 2, 'C@W1': 2 }), [line(1, 'A', 2, 'B', 'C'), line(2, 'B', 1)]),
      ['1 C W1 2 for A', '2 B W1 1'],
    ],
    [
      'is refused with the whole request where only one of two can be had',
      request(stock({ 'B@W1': 2 }), [line(1, 'A', 2, 'B'), line(2, 'A', 2, 'B')]),
      'NO_STOCK A',
    ],
    [
      'is no more than may be held of the equivalent',
      request(stock({ 'B@W1': 9, 'C@W1': 9 }), [line(1, 'A', 2, 'B', 'C'), line(2, 'A', 2, 'B', 'C')], {
        room: (sku) => (sku === 'B' ? 3 : 9),
      }),
      ['1 B W1 2 for A', '2 C W1 2 for A'],
    ],
    [
      'is a part of its own item only where no equivalent has it whole',
      request(stock({ 'A@W1': 1, 'B@W1': 1 }), [line(1, 'A', 2, 'B')], { partial: true }),
      ['1 A W1 1'],
    ],
    [
      'is the whole equivalent rather than a part',
      request(stock({ 'A@W1': 1, 'B@W1': 2 }), [line(1, 'A', 2, 'B')], { partial: true, waits: true }),
      ['1 B W1 2 for A'],
    ],
    [
      'is its own item in two warehouses rather than another in one',
      request(stock({ 'A@W1': 1, 'A@W2': 1, 'B@W3': 2 }), [line(1, 'A', 2, 'B')], { strategy: 'FEWEST_SPLITS' }),
      ['1 A W1 1', '1 A W2 1'],
    ],
    [
      'comes from the fewest warehouses as the item it is',
      request(stock({ 'B@W1': 2, 'B@W2': 2, 'C@W2': 1 }), [line(1, 'A', 2, 'B'), line(2, 'C', 1)], {
        strategy: 'FEWEST_SPLITS',
      }),
      ['1 B W2 2 for A', '2 C W2 1'],
    ],
  ];
  test.each(cases)('%s', (_, asked, expected) => {
    expect(plan(asked)).toEqual(expected);
  });
});

describe('without OTHER_WAREHOUSE', () => {
  const firstOnly = true;
  test.each<[string, SourcingRequest, string[] | string]>([
    [
      'the first warehouse serves',
      request(stock({ 'A@W1': 2, 'A@W2': 9 }), [line(1, 'A', 2)], { firstOnly }),
      ['1 A W1 2'],
    ],
    ['no other serves', request(stock({ 'A@W1': 1, 'A@W2': 9 }), [line(1, 'A', 2)], { firstOnly }), 'NO_STOCK A'],
    [
      'the first is one that has the item',
      request(stock({ 'A@W2': 2 }), [line(1, 'A', 2)], { firstOnly }),
      ['1 A W2 2'],
    ],
    [
      'the first is where most is, if it is asked first',
      request(stock({ 'A@W1': 1, 'A@W2': 9 }), [line(1, 'A', 2)], { firstOnly, strategy: 'MOST_AVAILABLE' }),
      ['1 A W2 2'],
    ],
    [
      'a named warehouse serves',
      request(stock({ 'A@W1': 9, 'A@W2': 2 }), [{ ...line(1, 'A', 2), warehouse: 'W2' }], { firstOnly }),
      ['1 A W2 2'],
    ],
  ])('%s', (_, asked, expected) => {
    expect(plan(asked)).toEqual(expected);
  });
});

describe('the ladder', () => {
  const all = { partial: false, waitlist: true, acceptSubstitutes: true };
  test.each<[readonly LadderStep[], object, object]>([
    [DEFAULT_LADDER, all, { partial: true, waits: true, takesSubstitutes: true, firstOnly: false }],
    [['WAITLIST', 'EQUIVALENT_SKU'], all, { waits: true, takesSubstitutes: false, firstOnly: true }],
    [
      ['WAITLIST', 'EQUIVALENT_SKU'],
      { ...all, waitlist: false },
      { partial: false, waits: false, takesSubstitutes: true },
    ],
    [['EQUIVALENT_SKU'], all, { partial: false, waits: false, takesSubstitutes: true }],
    [['WAITLIST'], all, { waits: true, takesSubstitutes: false }],
    [DEFAULT_LADDER, { ...all, acceptSubstitutes: false }, { waits: true, takesSubstitutes: false }],
    [DEFAULT_LADDER, { partial: true }, { partial: true, waits: false, takesSubstitutes: false }],
  ])('%j goes with %j as far as %j', (ladder, wishes, descent) => {
    expect(descend(ladder, { partial: false, ...wishes })).toMatchObject(descent);
  });
});

const anyRequest = fc
  .record({
    levels: anyRuledPools,
    lines: fc.array(
      fc.record({
        sku: fc.constantFrom(...SKUS),
        quantity: fc.integer({ min: 1, max: 20 }),
        warehouse: fc.constantFrom('', '', 'W2'),
        substitutes: fc.uniqueArray(fc.constantFrom(...SKUS)),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    strategy: fc.constantFrom<SourcingStrategy>('PRIORITY', 'MOST_AVAILABLE', 'FEWEST_SPLITS'),
    splitAllowed: fc.boolean(),
    partial: fc.boolean(),
    forSale: fc.boolean(),
    room: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ levels, lines, room, ...more }) => {
    const demands = lines.map((one, at) => ({
      ...one,
      lineNumber: at + 1,
      substitutes: one.substitutes.filter((sku) => sku !== one.sku),
    }));
    return request(levels, demands, { ...more, room: () => room });
  });

test('R2: whatever serves the lines, no pool gives more than it has, and no item more than it may', () => {
  fc.assert(
    fc.property(anyRequest, (asked) => {
      const result = source(asked);
      if ('refusal' in result) return;
      for (const [key, level] of asked.pools) {
        const taken = result.placements.filter((one) => poolKey(one.sku, one.warehouse) === key);
        const units = taken.reduce((sum, one) => sum + one.quantity, 0);
        expect(units).toBeLessThanOrEqual(availableTo(asked, level));
      }
      for (const demand of asked.demands) {
        const mine = result.placements.filter((one) => one.lineNumber === demand.lineNumber);
        const units = mine.reduce((sum, one) => sum + one.quantity, 0);
        expect(new Set(mine.map((one) => one.sku)).size).toBeLessThanOrEqual(1);
        const instead = mine.find((one) => one.substitutedFor !== undefined);
        if (instead === undefined) {
          expect(mine.every((one) => one.sku === demand.sku)).toBe(true);
          if (!asked.partial) expect(units).toBe(demand.quantity);
        } else {
          expect(units).toBe(demand.quantity);
          expect(instead.substitutedFor).toBe(demand.sku);
          expect(demand.substitutes).toContain(instead.sku);
        }
      }
      for (const sku of SKUS) {
        const others = result.placements.filter((one) => one.sku === sku && one.substitutedFor !== undefined);
        expect(others.reduce((sum, one) => sum + one.quantity, 0)).toBeLessThanOrEqual(asked.room?.(sku) ?? 0);
      }
    }),
    runs(),
  );
});

test('R17: what can be had as asked is held as asked, consent or not', () => {
  fc.assert(
    fc.property(anyRequest, (asked) => {
      const { room: _, ...strict } = { ...asked, partial: false };
      const without = source(strict);
      if ('refusal' in without) return;
      expect(source({ ...asked, partial: false })).toEqual(without);
    }),
    runs(),
  );
});
