import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestedLine } from '../../src/domain/requested-line.ts';
import { isReplaced, type Reservation, reservedUnits, totalReserved } from '../../src/domain/reservation.ts';
import { extend } from '../../src/domain/resolution.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { availableUnits, poolKey } from '../../src/domain/stock-level.ts';
import { swap } from '../../src/domain/swap.ts';
import type { Transition } from '../../src/domain/transition.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import {
  A_CAUSE,
  aLevel,
  aLine,
  anAllocation,
  anyPools,
  aReservation,
  DAY_MS,
  freshReservation,
  runs,
  SKUS,
  T0,
  WAREHOUSES,
} from '../support/arbitraries.ts';
import { aWorkingSet, levelIn, rulesKeeping } from '../support/deciding.ts';

function asked(sku: string, quantity: number, more: Partial<RequestedLine> = {}): RequestedLine {
  return { sku, quantity, orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0, ...more };
}

function reasonOf(transition: Transition): string {
  return transition.outcome === 'refused' ? transition.refusal.reason : transition.outcome;
}

function nextOf(transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`not changed: ${reasonOf(transition)}`);
  return transition.next;
}

const held = aReservation({ lines: [aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] })] });

/** Two units of A are all there is, and held; of B there is one. */
function scarce(): WorkingSet {
  return aWorkingSet({
    reservations: [held],
    pools: [aLevel({ onHand: 2, reserved: 2 }), aLevel({ sku: 'B', onHand: 1 })],
  });
}

describe('a swap', () => {
  test('is left what is kept as safety stock by no more than its own units', () => {
    const pools = [aLevel({ onHand: 5, reserved: 2, safetyStock: 2 })];
    const work = aWorkingSet({ reservations: [held], pools, ruleSet: rulesKeeping(pools) });
    expect(reasonOf(swap(held, { lines: [asked('A', 3)], partial: false }, work))).toBe('changed');
    expect(reasonOf(swap(held, { lines: [asked('A', 4)], partial: false }, work))).toBe('NO_STOCK');
  });

  test('holds the new line under a new number and gives the old one back, in one version', () => {
    const swapped = swap(held, { lines: [asked('B', 1)], partial: false }, scarce());
    expect(swapped).toMatchObject({
      kind: 'changed',
      next: {
        version: 2,
        trackingId: held.trackingId,
        expireAt: held.expireAt,
        state: 'RESERVED',
        lines: [
          { lineNumber: 1, sku: 'A', quantity: 0, allocations: [{ reserved: 0, released: 2 }] },
          { lineNumber: 2, sku: 'B', quantity: 1, allocations: [{ warehouse: 'W1', reserved: 1 }] },
        ],
      },
      pools: [
        { sku: 'A', warehouse: 'W1', delta: { reserved: -2 } },
        { sku: 'B', warehouse: 'W1', delta: { reserved: 1 } },
      ],
    });
  });

  test.each([
    [[asked('A', 2)], 'changed'],
    [[asked('A', 1)], 'changed'],
    [[asked('A', 1), asked('A', 1)], 'changed'],
    [[asked('A', 3)], 'NO_STOCK'],
    [[asked('A', 1), asked('A', 2)], 'NO_STOCK'],
    [[asked('A', 2), asked('B', 2)], 'NO_STOCK'],
  ])('counts its own units as available, and no more: %j', (lines, expected) => {
    expect(reasonOf(swap(held, { lines, partial: false }, scarce()))).toBe(expected);
  });

  test('for what it has already changes no pool', () => {
    expect(swap(held, { lines: [asked('A', 2)], partial: false }, scarce())).toMatchObject({ pools: [] });
  });

  test('keeps its own units also where a count or safety stock leaves nothing for anybody', () => {
    const pools = [aLevel({ onHand: 3, reserved: 6, safetyStock: 5 })];
    const work = aWorkingSet({ reservations: [held], pools });
    expect(reasonOf(swap(held, { lines: [asked('A', 1)], partial: false }, work))).toBe('changed');
    expect(reasonOf(swap(held, { lines: [asked('A', 3)], partial: false }, work))).toBe('NO_STOCK');
  });

  test('does not count units of its own that a picker did not find', () => {
    const short = aReservation({
      lines: [aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2, short: 1 })] })],
    });
    const work = aWorkingSet({ reservations: [short], pools: [aLevel({ onHand: 1, reserved: 2 })] });
    expect(reasonOf(swap(short, { lines: [asked('A', 2)], partial: false }, work))).toBe('NO_STOCK');
    expect(reasonOf(swap(short, { lines: [asked('A', 1)], partial: false }, work))).toBe('changed');
  });

  test('takes what there is where part of it will do', () => {
    const next = nextOf(swap(held, { lines: [asked('A', 5), asked('B', 5)], partial: true }, scarce()));
    expect(next.lines.slice(1).map(reservedUnits)).toEqual([2, 1]);
    const nothing = swap(held, { lines: [asked('C', 1)], partial: true }, scarce());
    expect(reasonOf(nothing)).toBe('NO_STOCK');
  });

  test('leaves what was shipped as it is, and the line asks for no more than that', () => {
    const part = aReservation({
      lines: [aLine({ quantity: 5, allocations: [anAllocation({ reserved: 2, fulfilled: 3 })] })],
    });
    const work = aWorkingSet({
      reservations: [part],
      pools: [aLevel({ onHand: 2, reserved: 2 }), aLevel({ sku: 'B' })],
    });
    const next = nextOf(swap(part, { lines: [asked('B', 1)], partial: false }, work));
    expect(next.lines).toMatchObject([
      { lineNumber: 1, quantity: 3, allocations: [{ reserved: 0, fulfilled: 3, released: 2 }] },
      { lineNumber: 2, quantity: 1 },
    ]);
  });

  test('is told of once: the next change leaves the old lines out, and a later swap takes new numbers', () => {
    const next = nextOf(swap(held, { lines: [asked('B', 1)], partial: false }, scarce()));
    const later = nextOf(extend(next, next.expireAt + 1, FIRST_RULES, T0));
    expect(later.lines.map((line) => line.lineNumber)).toEqual([2]);
    const work = scarce();
    work.record({ kind: 'changed', previous: held, next, cause: A_CAUSE }, [
      { sku: 'A', warehouse: 'W1', delta: { reserved: -2 } },
      { sku: 'B', warehouse: 'W1', delta: { reserved: 1 } },
    ]);
    const again = nextOf(swap(next, { lines: [asked('A', 2)], partial: false }, work));
    expect(again.lines.map(({ lineNumber, quantity }) => [lineNumber, quantity])).toEqual([
      [2, 0],
      [3, 2],
    ]);
  });

  test.each([
    [aReservation({ state: 'PREPARING' }), 'BEING_PICKED'],
    [aReservation({ state: 'READY' }), 'BEING_PICKED'],
    [aReservation({ expireAt: T0 }), 'EXPIRED'],
    [{ ...held, state: 'EXPIRED', resolvedAt: T0, releaseReason: 'EXPIRED' } as Reservation, 'EXPIRED'],
    [{ ...held, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' } as Reservation, 'ALREADY_RELEASED'],
    [{ ...held, state: 'FULFILLED', resolvedAt: T0, releaseReason: null } as Reservation, 'ALREADY_FULFILLED'],
  ])('of %j is refused: %s', (reservation, reason) => {
    expect(reasonOf(swap(reservation, { lines: [asked('B', 1)], partial: false }, scarce()))).toBe(reason);
  });

  test.each([
    [[asked('unknown', 1)], 'UNKNOWN_SKU'],
    [[asked('A', 1, { warehouse: 'W9' })], 'UNKNOWN_WAREHOUSE'],
    [Array.from({ length: 101 }, () => asked('A', 1)), 'RULE_LIMIT'],
    [[asked('A', 1_001)], 'RULE_LIMIT'],
  ])('is held against names and limits (%#): %s', (lines, reason) => {
    expect(reasonOf(swap(held, { lines, partial: false }, scarce()))).toBe(reason);
  });

  test.each([
    [[asked('A', 1, { orderLineId: 'ol-1' })], 'changed'],
    [[asked('A', 2, { orderLineId: 'ol-1' })], 'changed'],
    [[asked('A', 1, { orderLineId: 'ol-1' }), asked('B', 1, { orderLineId: 'ol-1' })], 'changed'],
    [[asked('A', 2, { orderLineId: 'ol-1' }), asked('B', 1, { orderLineId: 'ol-1' })], 'ORDER_LINE_EXHAUSTED'],
    [[asked('A', 2, { orderLineId: 'ol-2', purchasedQuantity: 1 })], 'ORDER_LINE_EXHAUSTED'],
  ])('gives its order lines back before it counts on them (%#): %s', (lines, expected) => {
    const mine = aReservation({ lines: [aLine({ ...held.lines[0], orderLineId: 'ol-1' })] });
    const work = aWorkingSet({
      reservations: [mine],
      pools: [aLevel({ onHand: 2, reserved: 2 }), aLevel({ sku: 'B' })],
      orderLines: [{ orderId: 'o-1', orderLineId: 'ol-1', purchased: 3, exchanged: 3 }],
    });
    expect(reasonOf(swap(mine, { lines, partial: false }, work))).toBe(expected);
  });
});

const anyRequest = fc.record({
  lines: fc.array(
    fc
      .record({
        sku: fc.constantFrom(...SKUS),
        quantity: fc.integer({ min: 1, max: 12 }),
        warehouse: fc.constantFrom('', '', ...WAREHOUSES),
      })
      .map(({ sku, quantity, warehouse }) => asked(sku, quantity, { warehouse })),
    { minLength: 1, maxLength: 4 },
  ),
  partial: fc.boolean(),
});

test('no unit appears or vanishes, no pool promises more than it has, and nothing is given back for nothing', () => {
  fc.assert(
    fc.property(freshReservation, anyPools, anyRequest, (reservation, levels, request) => {
      const pools = levels.map((level) => ({ ...level, reserved: level.reserved + heldIn(reservation, level) }));
      const now = T0 + DAY_MS / 2;
      const work = aWorkingSet({ reservations: [reservation], pools, now, ruleSet: rulesKeeping(pools) });
      const swapped = swap(reservation, request, work);
      if (swapped.outcome !== 'changed') return reasonOf(swapped) === 'NO_STOCK';
      const before = new Map(pools.map((level) => [poolKey(level.sku, level.warehouse), level]));
      work.record({ kind: swapped.kind, previous: reservation, next: swapped.next, cause: A_CAUSE }, swapped.pools);
      for (const level of before.values()) {
        const after = levelIn(work, level.sku, level.warehouse);
        expect(after.reserved - level.reserved).toBe(heldIn(swapped.next, level) - heldIn(reservation, level));
        expect(after.reserved).toBeLessThanOrEqual(level.reserved + availableUnits(level));
      }
      const released = swapped.next.lines.filter(isReplaced).flatMap((line) => line.allocations);
      expect(released.reduce((sum, part) => sum + part.released, 0)).toBe(totalReserved(reservation));
      const wanted = request.lines.reduce((sum, line) => sum + line.quantity, 0);
      const got = totalReserved(swapped.next);
      return request.partial ? got > 0 && got <= wanted : got === wanted;
    }),
    runs(),
  );
});

function heldIn(reservation: Reservation, { sku, warehouse }: { readonly sku: string; readonly warehouse: string }) {
  return reservation.lines
    .filter((line) => line.sku === sku)
    .flatMap((line) => line.allocations.filter((part) => part.warehouse === warehouse))
    .reduce((sum, part) => sum + part.reserved, 0);
}
