import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MissingRows } from '../../src/domain/missing-rows.ts';
import { BrokenInvariant } from '../../src/domain/refusal.ts';
import { isDue } from '../../src/domain/reservation.ts';
import { fulfil, release } from '../../src/domain/resolution.ts';
import type { Transition } from '../../src/domain/transition.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import {
  A_CAUSE,
  aLevel,
  aLine,
  anAllocation,
  anItem,
  aReservation,
  aWarehouse,
  DAY_MS,
  freshReservation,
  runs,
  T0,
} from '../support/arbitraries.ts';
import { aWorkingSet, levelIn, named, poolsFor } from '../support/deciding.ts';

const held = aReservation({
  lines: [aLine({ quantity: 3, orderLineId: 'ol-1', allocations: [anAllocation({ reserved: 3 })] })],
});

function record(work: WorkingSet, previous: typeof held, transition: Transition, occurredAt?: number): void {
  if (transition.outcome !== 'changed') throw new TypeError('expected a change');
  work.record({ kind: transition.kind, previous, next: transition.next, cause: A_CAUSE }, transition.pools, occurredAt);
}

/** Everything a unit would write. */
function written(work: WorkingSet) {
  return structuredClone({
    pools: work.changedPools(),
    transitions: work.transitions,
    movements: work.movements,
    orderLines: work.changedOrderLines(),
    exchanges: work.exchanges.changed(),
  });
}

describe('what one command did', () => {
  test('is seen by the next: reservation, pool, order line and exchange', () => {
    const orderLines = [{ orderId: 'o-1', orderLineId: 'ol-1', purchased: 5, exchanged: 3 }];
    const work = aWorkingSet({ pools: [aLevel({ reserved: 3 })], reservations: [held], orderLines });
    record(work, held, fulfil(held, [{ lineNumber: 1, quantity: 1 }], true, T0));
    expect(work.find({ by: 'exchange', id: 'x-1' })?.state).toBe('FULFILLED');
    expect(work.find({ by: 'tracking', id: held.trackingId })).toBe(work.find({ by: 'reservation', id: 'r-1' }));
    expect(levelIn(work)).toMatchObject({ onHand: 9, reserved: 0 });
    expect(work.orderLine('o-1', 'ol-1').exchanged).toBe(1);
    expect(work.movements).toMatchObject([{ kind: 'SHIPPED', onHandDelta: -1, reservationId: 'r-1', occurredAt: T0 }]);
  });

  test('is found under all three ids where it is new', () => {
    const work = aWorkingSet();
    work.record({ kind: 'reserved', previous: null, next: held, cause: A_CAUSE }, [
      { sku: 'A', warehouse: 'W1', delta: { reserved: 3 } },
    ]);
    expect(work.find({ by: 'reservation', id: 'r-1' })).toBe(held);
    expect(work.find({ by: 'tracking', id: held.trackingId })).toBe(held);
    expect(work.find({ by: 'exchange', id: 'x-1' })).toBe(held);
    expect(work.exchanges.changed()).toEqual([{ exchangeId: 'x-1', reservationId: 'r-1', closedBy: null }]);
    expect(work.movements).toEqual([]);
  });

  test('counts for a later count of an earlier instant', () => {
    const work = aWorkingSet({ movedSince: new Map([['A\u0000W1\u0000100', -4]]) });
    expect(work.movedSince('A', 'W1', 100)).toBe(-4);
    work.move(aLevel({ onHand: 7 }), 'ADJUSTED', A_CAUSE, 101);
    work.move(aLevel({ onHand: 5 }), 'ADJUSTED', A_CAUSE, 100);
    expect(work.movedSince('A', 'W1', 100)).toBe(-7);
    expect(work.movedSince('A', 'W2', 100)).toBe(0);
  });

  test('raises the version of a pool once, however often it changed', () => {
    const work = aWorkingSet({ pools: [aLevel({ version: 8 }), aLevel({ sku: 'B' })], now: T0 + 5 });
    work.move(aLevel({ version: 8, onHand: 9 }), 'ADJUSTED', A_CAUSE);
    work.move(aLevel({ version: 8, onHand: 4 }), 'ADJUSTED', A_CAUSE);
    expect(work.changedPools()).toEqual([
      { before: aLevel({ version: 8 }), after: aLevel({ version: 9, onHand: 4, changedAt: T0 + 5 }) },
    ]);
    expect(work.movements.map((one) => one.onHandDelta)).toEqual([-1, -5]);
  });

  test('to items and warehouses is seen too', () => {
    const work = aWorkingSet();
    work.putItem(anItem('A', { name: 'new' }));
    work.putWarehouse(aWarehouse('W9'));
    expect(work.item('A')?.name).toBe('new');
    expect(work.warehouse('W9')?.code).toBe('W9');
    expect(work.warehouses()).toHaveLength(4);
  });
});

describe('rows that are not locked', () => {
  test('are asked for, and nothing is changed', () => {
    const lines = [
      aLine({ orderLineId: 'ol-1' }),
      aLine({ lineNumber: 2, sku: 'B', allocations: [anAllocation({ warehouse: 'W2' })] }),
    ];
    const two = aReservation({ lines });
    const work = aWorkingSet({ pools: [aLevel({ reserved: 1 })], reservations: [two] });
    const before = written(work);
    const attempt = () => record(work, two, release(two, 'MANUAL', T0));
    expect(attempt).toThrow(MissingRows);
    expect(attempt).toThrow(expect.objectContaining({ reservationIds: ['r-1'], skus: ['B'] }));
    expect(written(work)).toEqual(before);
    expect(levelIn(work).reserved).toBe(1);
    expect(work.find({ by: 'reservation', id: 'r-1' })).toBe(two);
  });

  test('are told from rows that do not exist', () => {
    const work = aWorkingSet({
      exchanges: [{ exchangeId: 'x-1', reservationId: 'r-elsewhere', closedBy: null }],
    });
    expect(() => work.exchange('x-1')).toThrow(expect.objectContaining({ reservationIds: ['r-elsewhere'] }));
    expect(() => work.item('Z')).toThrow(expect.objectContaining({ skus: ['Z'] }));
    expect(() => work.pool('Z', 'W1')).toThrow(MissingRows);
    expect(work.item('unknown')).toBeNull();
    expect(work.pool('A', 'W9')).toBeNull();
    expect(work.find({ by: 'exchange', id: 'never' })).toBeNull();
    expect(work.find({ by: 'tracking', id: 'never' })).toBeNull();
  });
});

describe('a broken invariant', () => {
  test('throws: a version with a gap, a pool nobody locked, more reserved than there is to give back', () => {
    const work = aWorkingSet({ pools: [aLevel({ reserved: 2 })], reservations: [held] });
    const skipped = { ...held, version: 3 };
    expect(() => work.record({ kind: 'changed', previous: held, next: skipped, cause: A_CAUSE }, [])).toThrow(
      BrokenInvariant,
    );
    expect(() => work.move(aLevel({ warehouse: 'W9' }), 'ADJUSTED', A_CAUSE)).toThrow(BrokenInvariant);
    expect(() => record(work, held, release(held, 'MANUAL', T0))).toThrow(BrokenInvariant);
  });
});

describe('an order line', () => {
  test('keeps the first known number of bought units', () => {
    const work = aWorkingSet();
    work.setPurchased('o', 'l', 0);
    expect(work.changedOrderLines()).toEqual([]);
    work.setPurchased('o', 'l', 4);
    work.setPurchased('o', 'l', 9);
    expect(work.changedOrderLines()).toEqual([{ orderId: 'o', orderLineId: 'l', purchased: 4, exchanged: 0 }]);
  });

  test('counts what is held or shipped, and gets back what is released', () => {
    fc.assert(
      fc.property(freshReservation, fc.boolean(), (fresh, ships) => {
        const work = aWorkingSet({ pools: poolsFor([fresh], 100) });
        const pools = fresh.lines.flatMap(({ sku, allocations }) =>
          allocations.map(({ warehouse }) => ({ sku, warehouse, delta: { reserved: 0 } })),
        );
        work.record({ kind: 'reserved', previous: null, next: fresh, cause: A_CAUSE }, pools);
        for (const line of fresh.lines) expect(work.orderLine('o-1', line.orderLineId).exchanged).toBe(line.quantity);
        record(work, fresh, ships ? fulfil(fresh, [], false, T0) : release(fresh, 'MANUAL', T0));
        for (const line of fresh.lines) {
          expect(work.orderLine('o-1', line.orderLineId).exchanged).toBe(ships ? line.quantity : 0);
        }
      }),
      runs(),
    );
  });
});

describe('expiring what is due', () => {
  test('frees exactly the reservations past their deadline that nobody has begun, and their units', () => {
    const some = fc.array(
      fc.record({
        fresh: freshReservation,
        expireAt: fc.constantFrom(T0 - DAY_MS, T0 - 1, T0, T0 + 1, T0 + DAY_MS),
        state: fc.constantFrom('WAITLISTED', 'RESERVED', 'PREPARING', 'READY'),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(some, (drawn) => {
        const reservations = drawn.map(({ fresh, expireAt, state }, at) =>
          named({ ...fresh, expireAt, state }, `${at}`),
        );
        const work = aWorkingSet({ reservations, pools: poolsFor(reservations, 100) });
        work.expireDue(A_CAUSE);
        const left = reservations.filter((one) => !isDue(one, T0));
        expect(work.transitions.map(({ kind }) => kind)).toEqual(
          Array(reservations.length - left.length).fill('expired'),
        );
        for (const level of work.pools.values()) {
          const promised = poolsFor(left, 100).find(
            (one) => one.sku === level.sku && one.warehouse === level.warehouse,
          );
          expect([level.onHand, level.reserved]).toEqual([100, promised?.reserved ?? 0]);
        }
        const before = work.transitions.length;
        work.expireDue(A_CAUSE);
        expect(work.transitions).toHaveLength(before);
      }),
      runs(),
    );
  });
});

describe('what leaves the warehouse', () => {
  test('is not taken off a count that has seen it leave', () => {
    const work = aWorkingSet({ pools: [aLevel({ reserved: 3, countedAt: T0 - 10 })], reservations: [held] });
    record(work, held, fulfil(held, [], false, T0), T0 - 11);
    expect(levelIn(work)).toMatchObject({ onHand: 10, reserved: 0 });
    expect(work.movements).toEqual([]);
  });
});
