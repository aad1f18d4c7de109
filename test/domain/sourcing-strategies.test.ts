import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEWEST_STEPS_MAX } from '../../src/domain/fewest-warehouses.ts';
import { toDemands } from '../../src/domain/requested-line.ts';
import {
  availableTo,
  nearestFirst,
  type Placement,
  type SourcingRequest,
  type SourcingStrategy,
  source,
} from '../../src/domain/sourcing.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import { aLevel, anyRuledPools, aWarehouse, poolsOf, runs, SKUS, WAREHOUSES } from '../support/arbitraries.ts';

const W = WAREHOUSES.map((code) => aWarehouse(code));

/** Units on hand by SKU, each in W1, W2, W3 and so on. */
function stock(onHand: Readonly<Record<string, readonly number[]>>): StockLevel[] {
  return Object.entries(onHand).flatMap(([sku, counts]) =>
    counts.map((count, at) => aLevel({ sku, warehouse: `W${at + 1}`, onHand: count })),
  );
}

/** Placements as `SKU warehouse quantity`, or the refusal's reason. */
function plan(
  strategy: SourcingStrategy,
  levels: readonly StockLevel[],
  wanted: readonly (readonly [sku: string, quantity: number, warehouse?: string])[],
  more: Partial<SourcingRequest> = {},
): string[] | string {
  const lines = wanted.map(([sku, quantity, warehouse = '']) => ({ sku, quantity, warehouse }));
  const plain = { orderLineId: '', returnedSku: '', purchasedQuantity: 0 };
  const result = source({
    demands: toDemands(
      lines.map((line) => ({ ...line, ...plain })),
      1,
    ),
    pools: poolsOf(...levels),
    warehouses: W,
    strategy,
    splitAllowed: true,
    partial: false,
    forSale: false,
    ...more,
  });
  if ('refusal' in result) return result.refusal.reason;
  return result.placements.map((one) => `${one.sku} ${one.warehouse} ${one.quantity}`);
}

describe('the nearest warehouses', () => {
  const berlin = aWarehouse('BER', { countryCode: 'DE', postalCode: '10115' });
  const potsdam = aWarehouse('POT', { countryCode: 'DE', postalCode: '14467' });
  const munich = aWarehouse('MUC', { countryCode: 'DE', postalCode: '80331' });
  const leiden = aWarehouse('LEI', { countryCode: 'NL', postalCode: '2311 AB' });
  const hague = aWarehouse('HAG', { countryCode: 'NL', postalCode: '2511-CX' });
  const nowhere = aWarehouse('XXX', { countryCode: '', postalCode: '10115' });
  const all = [munich, nowhere, hague, berlin, leiden, potsdam];
  test.each([
    ['of the same postal code', 'DE', '10115', 'BER POT MUC XXX HAG LEI'],
    ['of the code that begins alike', 'DE', '14050', 'POT BER MUC XXX HAG LEI'],
    ['of the country, in their order, where no code begins alike', 'DE', '99084', 'MUC BER POT XXX HAG LEI'],
    ['of the country where the code is unknown', 'NL', '', 'HAG LEI MUC XXX BER POT'],
    ['however the code is written', 'NL', '2311ab', 'LEI HAG MUC XXX BER POT'],
    ['in their order where the country has none', 'FR', '10115', 'MUC XXX HAG BER LEI POT'],
    ['in their order where the destination is unknown', '', '10115', 'MUC XXX HAG BER LEI POT'],
  ])('are those %s', (_, countryCode, postalCode, expected) => {
    const ordered = nearestFirst(all, { countryCode, postalCode });
    expect(ordered.map((warehouse) => warehouse.code).join(' ')).toBe(expected);
  });
});

describe('where most is available', () => {
  test.each<[string, StockLevel[], [string, number, string?][], string[] | string]>([
    ['a line is whole there, not at the first', stock({ A: [5, 9, 7] }), [['A', 5]], ['A W2 5']],
    ['equal pools are asked in order', stock({ A: [5, 9, 9] }), [['A', 5]], ['A W2 5']],
    ['a split begins there', stock({ A: [3, 5, 4] }), [['A', 10]], ['A W2 5', 'A W3 4', 'A W1 1']],
    [
      'each line counts what those before left',
      stock({ A: [6, 5] }),
      [
        ['A', 3],
        ['A', 3],
      ],
      ['A W1 3', 'A W2 3'],
    ],
    [
      'each item goes where most of it is',
      stock({ A: [9, 1], B: [1, 9] }),
      [
        ['A', 1],
        ['B', 1],
      ],
      ['A W1 1', 'B W2 1'],
    ],
    ['a pinned line stays where it is pinned', stock({ A: [3, 9] }), [['A', 2, 'W1']], ['A W1 2']],
  ])('%s', (_, levels, lines, expected) => {
    expect(plan('MOST_AVAILABLE', levels, lines)).toEqual(expected);
  });
});

describe('the fewest warehouses', () => {
  test.each<[string, StockLevel[], [string, number, string?][], string[] | string]>([
    [
      'one that has all lines, though earlier ones have each',
      stock({ A: [5, 0, 5], B: [0, 5, 5] }),
      [
        ['A', 1],
        ['B', 1],
      ],
      ['A W3 1', 'B W3 1'],
    ],
    [
      'the first of those that have all',
      stock({ A: [0, 5, 5], B: [5, 5, 5] }),
      [
        ['A', 1],
        ['B', 1],
      ],
      ['A W2 1', 'B W2 1'],
    ],
    ['two where three would be asked in order', stock({ A: [1, 3, 5] }), [['A', 7]], ['A W2 3', 'A W3 4']],
    [
      'a pinned line takes the others along',
      stock({ A: [5, 5], B: [5, 5] }),
      [
        ['A', 1, 'W2'],
        ['B', 1],
      ],
      ['A W2 1', 'B W2 1'],
    ],
    [
      'lines of one item are summed',
      stock({ A: [3, 4] }),
      [
        ['A', 2],
        ['A', 2],
      ],
      ['A W2 2', 'A W2 2'],
    ],
    ['nothing where there is not enough', stock({ A: [3, 3] }), [['A', 7]], 'NO_STOCK'],
    ['nothing for no lines', stock({ A: [3, 3] }), [], []],
  ])('are %s', (_, levels, lines, expected) => {
    const more = { warehouses: W.slice(0, levels.filter((level) => level.sku === 'A').length) };
    expect(plan('FEWEST_SPLITS', levels, lines, more)).toEqual(expected);
  });

  test('are found for a line that must not be split, and for what there is of one', () => {
    const levels = stock({ A: [4, 2, 4], B: [0, 5, 5] });
    const wanted: [string, number][] = [
      ['A', 4],
      ['B', 5],
    ];
    expect(plan('FEWEST_SPLITS', levels, wanted, { splitAllowed: false })).toEqual(['A W3 4', 'B W3 5']);
    const more: [string, number][] = [
      ['A', 20],
      ['B', 1],
    ];
    expect(plan('FEWEST_SPLITS', levels, more, { partial: true })).toEqual(['A W1 4', 'A W2 2', 'A W3 4', 'B W2 1']);
  });

  test('are looked for within a bound, and the lines placed all the same beyond it', () => {
    const many = Array.from({ length: 40 }, (_, at) => aWarehouse(`W${at + 1}`));
    const skus = Array.from({ length: 20 }, (_, at) => `S${at}`);
    const levels = skus.flatMap((sku, at) => [
      aLevel({ sku, warehouse: `W${at + 1}`, onHand: 1 }),
      aLevel({ sku, warehouse: `W${at + 21}`, onHand: 1 }),
    ]);
    let looked = 0;
    const pools = new Proxy(poolsOf(...levels), {
      get: (target, name) => {
        if (name !== 'get') return Reflect.get(target, name);
        return (key: string) => {
          looked += 1;
          return target.get(key);
        };
      },
    });
    const placed = plan(
      'FEWEST_SPLITS',
      levels,
      skus.map((sku) => [sku, 1] as const),
      { warehouses: many, pools },
    );
    expect(placed).toHaveLength(20);
    expect(looked).toBeLessThan(4 * FEWEST_STEPS_MAX);
  });

  /** The fewest warehouses that give as many units as all do, by trying every set of them. */
  function fewestByTrial(asked: SourcingRequest): number {
    const most = unitsOf(source({ ...asked, strategy: 'PRIORITY' }));
    const sizes = Array.from({ length: 2 ** asked.warehouses.length }, (_, set) => {
      const warehouses = asked.warehouses.filter((_, at) => (set >> at) % 2 === 1);
      const result = source({ ...asked, strategy: 'PRIORITY', warehouses });
      return unitsOf(result) === most && !('refusal' in result) ? warehousesOf(result.placements) : 99;
    });
    return Math.min(...sizes);
  }

  test('are really the fewest: no set of warehouses that gives as much is smaller', () => {
    const anyLines = (isDistinct: boolean) =>
      fc
        .array(
          fc.record({
            sku: fc.constantFrom(...SKUS),
            quantity: fc.integer({ min: 1, max: 30 }),
            warehouse: fc.constantFrom('', '', '', ...WAREHOUSES),
          }),
          { minLength: 1, maxLength: 5 },
        )
        .map((lines) =>
          lines.filter((line, at) => !isDistinct || lines.findIndex((one) => one.sku === line.sku) === at),
        )
        .map((lines) => lines.map((line, at) => ({ ...line, lineNumber: at + 1 })));
    const anyRequest = fc.boolean().chain((splitAllowed) =>
      fc.record({
        demands: anyLines(!splitAllowed),
        pools: anyRuledPools.map((pools) => poolsOf(...pools)),
        warehouses: fc.constant(W),
        strategy: fc.constant('FEWEST_SPLITS' as const),
        splitAllowed: fc.constant(splitAllowed),
        partial: fc.boolean(),
        forSale: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(anyRequest, (asked) => {
        const result = source(asked);
        const all = source({ ...asked, strategy: 'PRIORITY' });
        expect('refusal' in result).toBe('refusal' in all);
        if ('refusal' in result) return;
        expect(unitsOf(result)).toBe(unitsOf(all));
        expect(warehousesOf(result.placements)).toBe(fewestByTrial(asked));
      }),
      runs(),
    );
  });
});

test('no strategy takes more of a pool than is available, whatever was reserved before', () => {
  const anyRequest: fc.Arbitrary<SourcingRequest> = fc.record({
    demands: fc.array(
      fc.record({
        lineNumber: fc.constant(1),
        sku: fc.constantFrom(...SKUS),
        quantity: fc.integer({ min: 1, max: 9 }),
        warehouse: fc.constant(''),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    pools: anyRuledPools.map((pools) => poolsOf(...pools)),
    warehouses: fc.constant(W),
    strategy: fc.constantFrom(
      'PRIORITY' as const,
      'NEAREST' as const,
      'MOST_AVAILABLE' as const,
      'FEWEST_SPLITS' as const,
    ),
    splitAllowed: fc.boolean(),
    partial: fc.boolean(),
    forSale: fc.boolean(),
  });
  fc.assert(
    fc.property(anyRequest, fc.integer({ min: 1, max: 6 }), (asked, times) => {
      const pools = new Map(asked.pools);
      for (let time = 0; time < times; time += 1) {
        const result = source({ ...asked, pools });
        if ('refusal' in result) break;
        for (const { sku, warehouse, quantity } of result.placements) {
          const level = pools.get(poolKey(sku, warehouse));
          if (level === undefined) throw new TypeError('only pools serve');
          expect(quantity).toBeLessThanOrEqual(availableTo(asked, level));
          const saleReserved = level.saleReserved + (asked.forSale ? quantity : 0);
          pools.set(poolKey(sku, warehouse), { ...level, reserved: level.reserved + quantity, saleReserved });
        }
      }
    }),
    runs(),
  );
});

function unitsOf(result: ReturnType<typeof source>): number {
  return 'refusal' in result ? 0 : result.placements.reduce((sum, one) => sum + one.quantity, 0);
}

function warehousesOf(placements: readonly Placement[]): number {
  return new Set(placements.map((one) => one.warehouse)).size;
}
