import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { promoteWaiting } from '../../src/domain/promotion.ts';
import { isWaiting, type LiveReservation, reservedUnits, waitingUnits } from '../../src/domain/reservation.ts';
import { availableUnits, type StockLevel, shortageUnits } from '../../src/domain/stock-level.ts';
import { compareEntries, entriesOf, SERVED_MAX } from '../../src/domain/waitlist.ts';
import {
  A_CAUSE,
  aLevel,
  aLine,
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
import { aQueue, aWaiter, served, WINDOW_MS, waiting } from '../support/waiters.ts';

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

  test('within what exchanges may hold at most; a sale is no exchange', () => {
    const ruleSet = aRuleSet({ exchangePools: [{ sku: 'A', minimum: 0, maximum: 3 }] });
    const pools = [aLevel({ onHand: 9, reserved: 2 })];
    const waiters = [
      aWaiter('large', 2, { priority: 9 }),
      aWaiter('small', 1),
      aWaiter('sold', 2, { channel: 'SALE' }),
    ];
    expect(served(aQueue(waiters, pools, { ruleSet })).sort()).toEqual(['small', 'sold']);
  });

  test('and a sale that waits leaves exchanges their minimum', () => {
    const ruleSet = aRuleSet({ exchangePools: [{ sku: 'A', minimum: 4, maximum: 0 }] });
    const waiters = [aWaiter('all', 3, { channel: 'SALE', priority: 9 }), aWaiter('rest', 2, { channel: 'SALE' })];
    expect(served(aQueue(waiters, [aLevel({ onHand: 6 })], { ruleSet }))).toEqual(['rest']);
  });

  test('also what new rules set free, before the next command of the same unit', () => {
    const kept = [{ sku: 'A', warehouse: 'W1', units: 5, percent: 0 }];
    const rules = { ruleSet: aRuleSet({ safetyStocks: kept }), newestRules: 1 };
    const work = aQueue([aWaiter('one', 1)], [aLevel({ onHand: 5 })], rules);
    expect(served(work)).toEqual([]);
    work.putRules(aRuleSet({ version: 2 }), A_CAUSE.caller);
    expect(served(work)).toEqual(['one']);
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

  test('as many lines as one unit may serve; the rest by the units that follow', () => {
    const waiters = Array.from({ length: SERVED_MAX + 5 }, (_, at) => aWaiter(String(at), 1));
    const pools = [aLevel({ onHand: 2 * SERVED_MAX })];
    expect(served(aQueue(waiters, pools))).toHaveLength(SERVED_MAX);
    const unlocked = aWorkingSet({ waiting: waiters.flatMap(entriesOf), pools });
    expect(served(unlocked)).toEqual([]);
    expect(unlocked.waitlist.unlocked.size).toBe(SERVED_MAX);
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
