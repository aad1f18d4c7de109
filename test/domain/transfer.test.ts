import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { reservedUnits } from '../../src/domain/reservation.ts';
import type { LineQuantity } from '../../src/domain/resolution.ts';
import { availableUnits } from '../../src/domain/stock-level.ts';
import { transfer } from '../../src/domain/transfer.ts';
import type { Transition } from '../../src/domain/transition.ts';
import {
  A_CAUSE,
  aLevel,
  aLine,
  anAllocation,
  anyPools,
  aReservation,
  freshReservation,
  runs,
  T0,
  WAREHOUSES,
} from '../support/arbitraries.ts';
import { aWorkingSet, levelIn, rulesKeeping } from '../support/deciding.ts';

const held = aReservation({
  lines: [
    aLine({ quantity: 3, allocations: [anAllocation({ reserved: 3 })] }),
    aLine({ lineNumber: 2, sku: 'B', quantity: 2, allocations: [anAllocation({ warehouse: 'W2', reserved: 2 })] }),
  ],
});

function workWith(available: number) {
  return aWorkingSet({
    reservations: [held],
    pools: [
      aLevel({ reserved: 3 }),
      aLevel({ warehouse: 'W2', onHand: available }),
      aLevel({ sku: 'B', warehouse: 'W2', reserved: 2 }),
    ],
  });
}

function moved(lines: readonly LineQuantity[], toWarehouse = 'W2', available = 10): Transition {
  return transfer(held, { toWarehouse, lines }, workWith(available));
}

function partsOf(transition: Transition): unknown {
  if (transition.outcome === 'unchanged') return 'unchanged';
  if (transition.outcome === 'refused') return transition.refusal.reason;
  return transition.next.lines.map((line) =>
    line.allocations.map(({ warehouse, reserved, released }) => [warehouse, reserved, released]),
  );
}

describe('a transfer', () => {
  test.each([
    [
      'everything',
      [],
      [
        [
          ['W1', 0, 3],
          ['W2', 3, 0],
        ],
        [['W2', 2, 0]],
      ],
    ],
    [
      'a whole line',
      [{ lineNumber: 1, quantity: 3 }],
      [
        [
          ['W1', 0, 3],
          ['W2', 3, 0],
        ],
        [['W2', 2, 0]],
      ],
    ],
    [
      'a part of a line',
      [{ lineNumber: 1, quantity: 2 }],
      [
        [
          ['W1', 1, 2],
          ['W2', 2, 0],
        ],
        [['W2', 2, 0]],
      ],
    ],
    ['what is there already', [{ lineNumber: 2, quantity: 2 }], 'unchanged'],
    ['a line it has not', [{ lineNumber: 9, quantity: 1 }], 'INVALID_FIELD'],
    ['more than a line holds', [{ lineNumber: 1, quantity: 4 }], 'INVALID_FIELD'],
    [
      'more of a line in two parts',
      [
        { lineNumber: 1, quantity: 2 },
        { lineNumber: 1, quantity: 2 },
      ],
      'INVALID_FIELD',
    ],
  ])('of %s', (_, lines, expected) => {
    expect(partsOf(moved(lines))).toEqual(expected);
  });

  test('changes both pools in one version', () => {
    expect(moved([])).toMatchObject({
      kind: 'changed',
      next: { version: 2, state: 'RESERVED', expireAt: held.expireAt },
      pools: [
        { sku: 'A', warehouse: 'W1', delta: { reserved: -3 } },
        { sku: 'A', warehouse: 'W2', delta: { reserved: 3 } },
      ],
    });
  });

  test('is held against what the destination has, in full', () => {
    expect(moved([], 'W2', 2)).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'NO_STOCK', metadata: { sku: 'A', warehouse: 'W2', requested: '3', available: '2' } },
    });
    expect(partsOf(moved([], 'W3'))).toBe('NO_STOCK');
    expect(partsOf(moved([], 'W9'))).toBe('UNKNOWN_WAREHOUSE');
  });

  test('sums the lines that go into one pool', () => {
    const twice = aReservation({
      lines: [1, 2].map((lineNumber) =>
        aLine({ lineNumber, quantity: 3, allocations: [anAllocation({ reserved: 3 })] }),
      ),
    });
    const pools = [aLevel({ reserved: 6 }), aLevel({ warehouse: 'W2', onHand: 5 })];
    const work = aWorkingSet({ reservations: [twice], pools });
    expect(partsOf(transfer(twice, { toWarehouse: 'W2', lines: [] }, work))).toBe('NO_STOCK');
  });

  test('moves first what a picker did not find', () => {
    const short = aReservation({
      lines: [aLine({ quantity: 3, allocations: [anAllocation({ reserved: 3, short: 1 })] })],
    });
    const pools = [aLevel({ onHand: 2, reserved: 3 }), aLevel({ warehouse: 'W2' })];
    const work = aWorkingSet({ reservations: [short], pools });
    const one = transfer(short, { toWarehouse: 'W2', lines: [{ lineNumber: 1, quantity: 1 }] }, work);
    expect(one).toMatchObject({ next: { lines: [{ allocations: [{ reserved: 2, short: 0 }, { reserved: 1 }] }] } });
  });

  test.each([
    [{ ...held, state: 'PREPARING' } as Reservation, 'BEING_PICKED'],
    [{ ...held, expireAt: T0 } as Reservation, 'EXPIRED'],
    [{ ...held, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' } as Reservation, 'ALREADY_RELEASED'],
    [{ ...held, state: 'FULFILLED', resolvedAt: T0, releaseReason: null } as Reservation, 'ALREADY_FULFILLED'],
  ])('of %j is refused: %s', (reservation, reason) => {
    expect(partsOf(transfer(reservation, { toWarehouse: 'W2', lines: [] }, workWith(10)))).toBe(reason);
  });
});

test('each line keeps its units, and no pool promises more than it has', () => {
  const anyLines = fc.array(
    fc.record({ lineNumber: fc.integer({ min: 1, max: 3 }), quantity: fc.integer({ min: 1, max: 6 }) }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(
      freshReservation,
      anyPools,
      anyLines,
      fc.constantFrom(...WAREHOUSES),
      (reservation, levels, lines, toWarehouse) => {
        const held = reservation.lines.flatMap(({ sku, allocations }) =>
          allocations.map(({ warehouse, reserved }) => ({ sku, warehouse, reserved })),
        );
        const pools = levels.map((level) => ({
          ...level,
          reserved: held
            .filter((part) => part.sku === level.sku && part.warehouse === level.warehouse)
            .reduce((sum, part) => sum + part.reserved, level.reserved),
        }));
        const work = aWorkingSet({ reservations: [reservation], pools, ruleSet: rulesKeeping(pools) });
        const done = transfer(reservation, { toWarehouse, lines }, work);
        if (done.outcome !== 'changed') return;
        work.record({ kind: done.kind, previous: reservation, next: done.next, cause: A_CAUSE }, done.pools);
        expect(done.next.lines.map(reservedUnits)).toEqual(reservation.lines.map(reservedUnits));
        expect(work.changedOrderLines()).toEqual([]);
        for (const level of pools) {
          const after = levelIn(work, level.sku, level.warehouse).reserved;
          expect(after).toBeLessThanOrEqual(level.reserved + availableUnits(level));
          if (level.warehouse !== toWarehouse) expect(after).toBeLessThanOrEqual(level.reserved);
        }
      },
    ),
    runs(),
  );
});
