import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confirmPick, shortPick, startPick } from '../../src/domain/picking.ts';
import { promoteWaiting } from '../../src/domain/promotion.ts';
import type { RequestedLine } from '../../src/domain/requested-line.ts';
import {
  isWaiting,
  type LiveReservation,
  type Reservation,
  reservedUnits,
  type Waiting,
  waitingUnits,
} from '../../src/domain/reservation.ts';
import { expire, fulfil, release } from '../../src/domain/resolution.ts';
import { availableUnits, type StockLevel, shortageUnits } from '../../src/domain/stock-level.ts';
import { swap } from '../../src/domain/swap.ts';
import { transfer } from '../../src/domain/transfer.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { compareEntries, entriesOf } from '../../src/domain/waitlist.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import type { WorkingSetRows } from '../../src/domain/working-set-rows.ts';
import {
  A_CAUSE,
  aLevel,
  aLine,
  anAllocation,
  anyPools,
  aReservation,
  DAY_MS,
  HOUR_MS,
  runs,
  SKUS,
  T0,
  WAREHOUSES,
} from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, levelIn, named } from '../support/deciding.ts';

const WINDOW_MS = 3 * DAY_MS;

function waiting(units: number, more: Partial<Waiting> = {}): Waiting {
  return { units, warehouse: '', since: T0, holdWindowMs: WINDOW_MS, ...more };
}

/** A reservation that holds nothing and waits for units of A. */
function aWaiter(name: string, units: number, more: Partial<LiveReservation> = {}, how: Partial<Waiting> = {}) {
  const line = aLine({ quantity: units, allocations: [], waiting: waiting(units, how) });
  return { ...named(aReservation({ state: 'WAITLISTED', lines: [line], ...more }), name) };
}

/** A unit that has locked all who wait, with their queues. */
function aQueue(waiters: readonly LiveReservation[], pools: StockLevel[], more: Partial<WorkingSetRows> = {}) {
  return aWorkingSet({ reservations: waiters, waiting: waiters.flatMap(entriesOf), pools, ...more });
}

function served(work: WorkingSet): string[] {
  promoteWaiting(work, A_CAUSE);
  return work.transitions.map(({ next }) => next.exchangeId.slice(2));
}

function nextOf(transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`not changed: ${JSON.stringify(transition)}`);
  return transition.next;
}

const reasonOf = (transition: Transition) =>
  transition.outcome === 'refused' ? transition.refusal.reason : transition.outcome;

function asked(sku: string, quantity: number, more: Partial<RequestedLine> = {}): RequestedLine {
  return { sku, quantity, orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0, ...more };
}

describe('R19: what came free goes to the queue', () => {
  test('by priority, higher first, then by age', () => {
    const waiters = [
      aWaiter('old', 1, {}, { since: T0 - HOUR_MS }),
      aWaiter('young', 1),
      aWaiter('urgent', 1, { priority: 5 }),
      aWaiter('later', 1, { priority: -1 }, { since: T0 - DAY_MS }),
    ];
    expect(served(aQueue(waiters, [aLevel({ onHand: 3 })]))).toEqual(['urgent', 'old', 'young']);
  });

  test('whole or not at all: what the first cannot use whole goes to the next that can, and the rest to newcomers', () => {
    const waiters = [aWaiter('large', 3, {}, { since: T0 - DAY_MS }), aWaiter('small', 1)];
    const work = aQueue(waiters, [aLevel({ onHand: 2 })]);
    expect(served(work)).toEqual(['small']);
    expect(availableUnits(levelIn(work))).toBe(1);
  });

  test.each<[string, Partial<StockLevel>]>([
    ['short', { onHand: 5, reserved: 5, unavailable: 1 }],
    ['still short by one', { onHand: 4, reserved: 5 }],
    ['sold elsewhere', { onHand: 5, committed: 5 }],
    ['safety stock', { onHand: 5, safetyStock: 5 }],
  ])('never where the units are %s', (_, counts) => {
    expect(served(aQueue([aWaiter('one', 1)], [aLevel(counts)]))).toEqual([]);
  });

  test('not to those whose deadline has passed, swept or not', () => {
    const waiters = [aWaiter('gone', 1, { expireAt: T0, priority: 9 }), aWaiter('here', 1)];
    expect(served(aQueue(waiters, [aLevel({ onHand: 2 })]))).toEqual(['here']);
  });

  test('from the one warehouse it may come from, and split where the rules of its time allow', () => {
    const pools = [aLevel({ onHand: 1 }), aLevel({ warehouse: 'W2', onHand: 1 })];
    expect(served(aQueue([aWaiter('pinned', 2, {}, { warehouse: 'W2' })], pools))).toEqual([]);
    expect(served(aQueue([aWaiter('split', 2)], pools))).toEqual(['split']);
    const strict = aRuleSet({ version: 2, splitAllowed: false });
    expect(served(aQueue([aWaiter('whole', 2, { ruleVersion: 2 })], pools, { earlierRules: [strict] }))).toEqual([]);
  });

  test('stops at one that is not locked, so that nobody overtakes it', () => {
    const [first, second] = [aWaiter('first', 1, { priority: 1 }), aWaiter('second', 1)];
    const work = aWorkingSet({
      reservations: [second],
      waiting: [first, second].flatMap(entriesOf),
      pools: [aLevel({ onHand: 2 })],
    });
    expect(served(work)).toEqual([]);
    expect([...work.waitlist.unlocked]).toEqual([first.reservationId]);
  });

  test('knows at once of all that are not locked and whose turn it is', () => {
    const waiters = ['a', 'b', 'c'].map((name) => aWaiter(name, 1));
    const work = aWorkingSet({ waiting: waiters.flatMap(entriesOf), pools: [aLevel({ onHand: 2 })] });
    expect(served(work)).toEqual([]);
    expect([...work.waitlist.unlocked]).toEqual(['r-a', 'r-b']);
  });

  test('once nothing waits any more it is RESERVED, and its hold window begins', () => {
    const both = aWaiter('both', 1, {
      lines: [
        aLine({ quantity: 1, allocations: [], waiting: waiting(1) }),
        aLine({ lineNumber: 2, sku: 'B', allocations: [], waiting: waiting(1) }),
      ],
    });
    const half = aQueue([both], [aLevel({ onHand: 1 })]);
    expect(served(half)).toEqual(['both']);
    expect(half.transitions[0]).toMatchObject({
      kind: 'changed',
      next: { state: 'WAITLISTED', expireAt: both.expireAt },
    });
    const whole = aQueue([both], [aLevel({ onHand: 1 }), aLevel({ sku: 'B', onHand: 1 })]);
    expect(served(whole)).toEqual(['both', 'both']);
    expect(whole.transitions[1]).toMatchObject({
      kind: 'reserved',
      next: { state: 'RESERVED', expireAt: T0 + WINDOW_MS, version: both.version + 2 },
    });
  });
});

const anyQueue = fc.array(
  fc.record({
    priority: fc.integer({ min: -1, max: 1 }),
    since: fc.integer({ min: 0, max: 3 }).map((hours) => T0 - hours * HOUR_MS),
    isDue: fc.boolean(),
    lines: fc.array(
      fc.record({
        sku: fc.constantFrom(...SKUS),
        units: fc.integer({ min: 1, max: 4 }),
        warehouse: fc.constantFrom('', '', ...WAREHOUSES),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  }),
  { maxLength: 8 },
);

function waitersOf(queue: typeof anyQueue extends fc.Arbitrary<infer T> ? T : never): LiveReservation[] {
  return queue.map(({ priority, since, isDue, lines }, at) =>
    named(
      aReservation({
        state: 'WAITLISTED',
        priority,
        expireAt: isDue ? T0 : T0 + DAY_MS,
        orderId: `o-${at}`,
        lines: lines.map(({ sku, units, warehouse }, index) =>
          aLine({
            lineNumber: index + 1,
            sku,
            quantity: units,
            orderLineId: 'l1',
            allocations: [],
            waiting: waiting(units, { warehouse, since }),
          }),
        ),
      }),
      String(at),
    ),
  );
}

/** Who is served, told again in the plainest way: the first in line that can have all it waits for, again and again. */
function expectedServed(waiters: readonly LiveReservation[], pools: readonly StockLevel[]): string[] {
  const left = new Map(pools.map((pool) => [`${pool.sku}@${pool.warehouse}`, availableUnits(pool)]));
  return waiters
    .flatMap(entriesOf)
    .filter((entry) => entry.expireAt > T0)
    .toSorted(compareEntries)
    .filter(({ sku, units, warehouse }) => {
      const places = (warehouse === '' ? [...WAREHOUSES] : [warehouse]).map((code) => `${sku}@${code}`);
      if (places.reduce((sum, place) => sum + (left.get(place) ?? 0), 0) < units) return false;
      const whole = places.find((place) => (left.get(place) ?? 0) >= units);
      let missing = units;
      for (const place of whole === undefined ? places : [whole]) {
        const taken = Math.min(missing, left.get(place) ?? 0);
        left.set(place, (left.get(place) ?? 0) - taken);
        missing -= taken;
      }
      return true;
    })
    .map(({ reservationId, lineNumber }) => `${reservationId}/${lineNumber}`)
    .sort();
}

describe('R19: in every queue', () => {
  test('exactly those are served who come first and can use whole what is there', () => {
    fc.assert(
      fc.property(anyQueue, anyPools, (queue, pools) => {
        const waiters = waitersOf(queue);
        const work = aQueue(waiters, pools);
        promoteWaiting(work, A_CAUSE);
        const lines = work.transitions.flatMap(({ previous, next }) =>
          next.lines
            .filter((line, at) => waitingUnits(line) === 0 && waitingUnits(previous?.lines[at] ?? line) > 0)
            .map((line) => `${next.reservationId}/${line.lineNumber}`),
        );
        expect(lines.sort()).toEqual(expectedServed(waiters, pools));
      }),
      runs(),
    );
  });

  test('no unit is promised twice, none that is short, and nothing is left that a line waits for', () => {
    fc.assert(
      fc.property(anyQueue, anyPools, (queue, pools) => {
        const waiters = waitersOf(queue);
        const work = aQueue(waiters, pools);
        promoteWaiting(work, A_CAUSE);
        for (const before of pools) {
          const after = levelIn(work, before.sku, before.warehouse);
          expect(after.reserved - before.reserved).toBeLessThanOrEqual(availableUnits(before));
          expect(shortageUnits(after)).toBe(shortageUnits(before));
        }
        const promised = work.transitions.reduce(
          (sum, { previous, next }) =>
            sum +
            next.lines.reduce(
              (units, line, at) => units + reservedUnits(line) - reservedUnits(previous?.lines[at] ?? line),
              0,
            ),
          0,
        );
        const taken = [...work.pools.values()].reduce((sum, pool) => sum + pool.reserved, 0);
        expect(promised).toBe(taken - pools.reduce((sum, pool) => sum + pool.reserved, 0));
        const before = work.transitions.length;
        const again = aQueue(
          waiters.map((one) => work.find({ by: 'reservation', id: one.reservationId }) as LiveReservation),
          [...work.pools.values()],
        );
        expect(served(again)).toEqual([]);
        expect(work.transitions).toHaveLength(before);
      }),
      runs(),
    );
  });

  test('a reservation is WAITLISTED exactly while a line waits, and order lines count what waits as exchanged', () => {
    fc.assert(
      fc.property(anyQueue, anyPools, (queue, pools) => {
        const work = aQueue(waitersOf(queue), pools);
        promoteWaiting(work, A_CAUSE);
        for (const { next } of work.transitions) {
          expect(next.state).toBe(isWaiting(next.lines) ? 'WAITLISTED' : 'RESERVED');
          for (const line of next.lines) expect(reservedUnits(line) + waitingUnits(line)).toBe(line.quantity);
        }
        expect(work.changedOrderLines()).toEqual([]);
      }),
      runs(),
    );
  });
});

/** Holds two of A at W1 and waits for one more. */
const partly = aReservation({
  state: 'WAITLISTED',
  lines: [aLine({ quantity: 3, allocations: [anAllocation({ reserved: 2 })], waiting: waiting(1) })],
});

describe('R19: what waits', () => {
  test('is given up by a release and by the clock', () => {
    for (const next of [nextOf(release(partly, 'CANCELLED', T0)), nextOf(expire(partly, partly.expireAt))]) {
      expect(isWaiting(next.lines)).toBe(false);
      expect(next.lines[0]).toMatchObject({ allocations: [{ reserved: 0, released: 2 }] });
    }
  });

  test('goes on waiting when what is held is fulfilled, and is given up when it is closed', () => {
    const kept = nextOf(fulfil(partly, [], false, T0));
    expect(kept).toMatchObject({
      state: 'WAITLISTED',
      lines: [{ allocations: [{ fulfilled: 2 }], waiting: { units: 1 } }],
    });
    const closed = nextOf(fulfil(partly, [{ lineNumber: 1, quantity: 1 }], true, T0));
    expect(closed).toMatchObject({ state: 'FULFILLED', lines: [{ allocations: [{ fulfilled: 1, released: 1 }] }] });
    expect(isWaiting(closed.lines)).toBe(false);
  });

  test('is not fulfilled while nothing is held', () => {
    expect(reasonOf(fulfil(aWaiter('none', 1), [], false, T0))).toBe('INVALID_FIELD');
  });

  test('is not picked: no pick was asked for', () => {
    const line = { lineNumber: 1, sku: 'A', quantity: 1 };
    for (const transition of [
      startPick(partly, T0),
      confirmPick(partly, 'W1', [], T0),
      shortPick(partly, 'W1', [line], T0),
    ]) {
      expect(reasonOf(transition)).toBe('NOT_ALLOWED');
    }
  });

  test('looks to the new warehouse where all of a pinned line moves', () => {
    const pinned = aWaiter('pinned', 1, {}, { warehouse: 'W1' });
    const work = aQueue([pinned], [aLevel({ onHand: 0 }), aLevel({ warehouse: 'W2', onHand: 1 })]);
    const moved = transfer(pinned, { toWarehouse: 'W2', lines: [] }, work);
    if (moved.outcome !== 'changed') throw new TypeError('not moved');
    work.record({ kind: moved.kind, previous: pinned, next: moved.next, cause: A_CAUSE }, moved.pools);
    expect(served(work)).toEqual(['pinned', 'pinned']);
  });
});

describe('R19: a swap', () => {
  const held = aReservation({ lines: [aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] })] });

  test('may queue for what there is not: the waiting has its own window', () => {
    const work = aWorkingSet({ reservations: [held], pools: [aLevel({ onHand: 2, reserved: 2 })] });
    const swapped = swap(held, { lines: [asked('A', 3), asked('B', 1)], partial: false, waitlist: true }, work);
    expect(swapped).toMatchObject({
      kind: 'waitlisted',
      next: {
        state: 'WAITLISTED',
        expireAt: T0 + 30 * DAY_MS,
        lines: [{ quantity: 0 }, { sku: 'A', waiting: { units: 1, since: T0 } }, { sku: 'B', waiting: { units: 1 } }],
      },
    });
  });

  test('ends the waiting where the new lines are there, and keeps the place in the queue of the same SKU', () => {
    const since = T0 - DAY_MS;
    const waits = aWaiter('waits', 2, {}, { since });
    const work = aQueue([waits], [aLevel({ onHand: 0 }), aLevel({ sku: 'B', onHand: 1 })]);
    const ended = nextOf(swap(waits, { lines: [asked('B', 1)], partial: false }, work));
    expect(ended).toMatchObject({ state: 'RESERVED', expireAt: T0 + WINDOW_MS });
    const more = { lines: [asked('A', 1), asked('C', 1)], partial: false, waitlist: true };
    const kept = nextOf(swap(waits, more, work));
    expect(kept).toMatchObject({ state: 'WAITLISTED', expireAt: waits.expireAt });
    expect(kept.lines.flatMap((line) => line.waiting ?? []).map((one) => one.since)).toEqual([since, T0]);
  });
});
