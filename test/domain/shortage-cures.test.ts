import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Notice } from '../../src/domain/notification.ts';
import { type LiveReservation, lackingUnits, type Reservation, shortUnits } from '../../src/domain/reservation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import { hasTurn, type ShortageCure } from '../../src/domain/shortage-cures.ts';
import { availableUnits, poolKey, type StockLevel, shortageUnits } from '../../src/domain/stock-level.ts';
import { byLoss } from '../../src/domain/victims.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import { A_CAUSE, aLevel, aLine, anAllocation, aReservation, DAY_MS, runs, T0 } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, levelIn, named, poolsFor } from '../support/deciding.ts';

interface Shape {
  readonly priority: number;
  readonly units: number;
  readonly pinned: boolean;
  readonly isBegun: boolean;
}

interface Elsewhere {
  readonly onHand: number;
  readonly safetyStock: number;
}

const ALL_READ = { due: 0, short: 0, missing: 0, limit: 256, lastToLose: null, lastToRecover: null };

const shapes: fc.Arbitrary<Shape[]> = fc.array(
  fc.record({
    priority: fc.integer({ min: -1, max: 1 }),
    units: fc.integer({ min: 1, max: 4 }),
    pinned: fc.boolean(),
    isBegun: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

const elsewhere = fc.record({ onHand: fc.nat(6), safetyStock: fc.nat(3) });

function made(all: readonly Shape[]): LiveReservation[] {
  return all.map(({ priority, units, pinned, isBegun }, at) => {
    const line = aLine({ quantity: units, allocations: [anAllocation({ reserved: units })] });
    return named(
      aReservation({
        priority,
        state: isBegun ? 'PREPARING' : 'RESERVED',
        lines: [pinned ? { ...line, pinned: true } : line],
      }),
      String(at),
    );
  });
}

/** Reservations that hold all there is of A at W1, and what W2 and W3 have of it. */
function workWith(
  reservations: readonly LiveReservation[],
  others: readonly [Elsewhere, Elsewhere],
  rules: Partial<Rules> = {},
): WorkingSet {
  const held = reservations.reduce((sum, one) => sum + (one.lines[0]?.quantity ?? 0), 0);
  const pools = [
    ...poolsFor(reservations, held),
    ...others.map((more, at) => aLevel({ warehouse: `W${at + 2}`, ...more })),
  ];
  const safetyStocks = others.map(({ safetyStock }, at) => ({
    sku: 'A',
    warehouse: `W${at + 2}`,
    units: safetyStock,
    percent: 0,
  }));
  return aWorkingSet({
    reservations,
    pools,
    victims: new Map([[poolKey('A', 'W1'), ALL_READ]]),
    ruleSet: aRuleSet({ safetyStocks, ...rules }),
  });
}

function count(work: WorkingSet, onHand: number): void {
  work.move({ ...levelIn(work), onHand }, 'COUNTED', A_CAUSE);
  work.shortages.settle(work, A_CAUSE);
}

const nowOf = (work: WorkingSet, { reservationId }: Reservation) =>
  work.find({ by: 'reservation', id: reservationId }) as LiveReservation;
const lackOf = (one: Reservation) => one.lines.reduce((sum, line) => sum + shortUnits(line), 0);
const heldAt = (all: readonly Reservation[], warehouse: string) =>
  all
    .flatMap((one) => one.lines.flatMap((line) => line.allocations))
    .filter((part) => part.warehouse === warehouse)
    .reduce((sum, part) => sum + part.reserved, 0);

/** The counters of every pool are the sum of the lines, and no pool but W1 has promised more than it may. */
function checkPools(work: WorkingSet, all: readonly Reservation[]): void {
  for (const level of work.pools.values()) {
    expect(level.reserved).toBe(heldAt(all, level.warehouse));
    if (level.warehouse !== 'W1' && level.reserved > 0) {
      expect(level.reserved).toBeLessThanOrEqual(level.onHand - level.safetyStock);
    }
  }
}

describe('R15: what a shortage takes', () => {
  test('is held elsewhere as far as anything is there, best placed first, and nothing is promised twice', () => {
    fc.assert(
      fc.property(shapes, elsewhere, elsewhere, fc.nat(12), (all, second, third, onHand) => {
        const before = made(all);
        const held = heldAt(before, 'W1');
        const work = workWith(before, [second, third]);
        count(work, Math.min(onHand, held));
        const after = before.map((one) => nowOf(work, one));
        checkPools(work, after);
        expect(heldAt(after, 'W1') + heldAt(after, 'W2') + heldAt(after, 'W3')).toBe(held);
        expect(after.reduce((sum, one) => sum + lackOf(one), 0)).toBe(shortageUnits(levelIn(work)));
        const canMove = after.filter((_, at) => !all[at]?.pinned && !all[at]?.isBegun);
        for (const one of after.filter((other) => !canMove.includes(other))) {
          expect(one.lines[0]?.allocations.map((part) => part.warehouse)).toEqual(['W1']);
        }
        const lacking = canMove.filter((one) => lackOf(one) > 0);
        if (lacking.length === 0) return;
        expect(['W2', 'W3'].map((code) => availableUnits(levelIn(work, 'A', code)))).toEqual([0, 0]);
        const moved = canMove.filter((one) => (one.lines[0]?.allocations.length ?? 0) > 1);
        const standing = ({ priority, reservationId }: Reservation) => ({ priority, reservationId, lineNumber: 1 });
        for (const one of moved) {
          for (const other of lacking) expect(byLoss(standing(other), standing(one))).toBeLessThanOrEqual(0);
        }
      }),
      runs(),
    );
  });

  test('moves whole lines or none where lines may not be split', () => {
    fc.assert(
      fc.property(shapes, elsewhere, elsewhere, fc.nat(12), (all, second, third, onHand) => {
        const before = made(all);
        const work = workWith(before, [second, third], { splitAllowed: false });
        count(work, Math.min(onHand, heldAt(before, 'W1')));
        const after = before.map((one) => nowOf(work, one));
        checkPools(work, after);
        expect(after.reduce((sum, one) => sum + lackOf(one), 0)).toBe(shortageUnits(levelIn(work)));
        for (const [at, { lines }] of after.entries()) {
          const parts = lines.flatMap((line) => line.allocations.filter((part) => part.reserved > 0));
          expect(parts.map((part) => part.reserved)).toEqual([all[at]?.units]);
        }
        const free = Math.max(...['W2', 'W3'].map((code) => availableUnits(levelIn(work, 'A', code))));
        const stuck = after.filter((one, at) => !all[at]?.pinned && !all[at]?.isBegun && lackOf(one) > 0);
        for (const one of stuck) expect(one.lines[0]?.quantity).toBeGreaterThan(free);
      }),
      runs(),
    );
  });

  test('is an event of its own after the loss, with the pools that were asked', () => {
    const only = made([{ priority: 0, units: 3, pinned: false, isBegun: false }]);
    const work = workWith(only, [
      { onHand: 1, safetyStock: 0 },
      { onHand: 5, safetyStock: 4 },
    ]);
    count(work, 0);
    expect(work.transitions.map(({ kind, cause, seen }) => [kind, cause.reason, seen])).toEqual([
      [
        'short',
        A_CAUSE.reason,
        [
          ['A', 'W2', 1, 1],
          ['A', 'W3', 1, 1],
        ],
      ],
      [
        'changed',
        're-sourced',
        [
          ['A', 'W2', 1, 1],
          ['A', 'W3', 1, 1],
        ],
      ],
    ]);
    const [record] = work.shortages.records.get(poolKey('A', 'W1')) ?? [];
    expect(record).toMatchObject({ quantity: 1, most: 3, curesLeft: false });
    expect([...(record?.victims.values() ?? [])]).toEqual([{ reservationId: 'r-0', lineNumber: 1, units: 3 }]);
  });

  test('stays short in a channel that sells from nowhere else, and by rules without that cure', () => {
    const only = made([{ priority: 0, units: 3, pinned: false, isBegun: false }]);
    const rest: [Elsewhere, Elsewhere] = [
      { onHand: 9, safetyStock: 0 },
      { onHand: 9, safetyStock: 0 },
    ];
    const drafts: Partial<Rules>[] = [{ channelWarehouses: { web: ['W1'] } }, { shortageCures: ['WAIT'] }];
    for (const rules of drafts) {
      const work = workWith(only, rest, rules);
      count(work, 1);
      expect(lackOf(nowOf(work, only[0] as LiveReservation))).toBe(2);
    }
  });

  test('is held elsewhere once it becomes available there, before anybody who waits is served', () => {
    const only = made([{ priority: 0, units: 3, pinned: false, isBegun: false }]);
    const none = { onHand: 0, safetyStock: 0 };
    const work = workWith(only, [none, none]);
    count(work, 1);
    work.move({ ...levelIn(work, 'A', 'W3'), onHand: 1 } satisfies StockLevel, 'RECEIVED', A_CAUSE);
    expect(work.shortages.settle(work, A_CAUSE)).toBe(true);
    const [line] = nowOf(work, only[0] as LiveReservation).lines;
    expect(line?.allocations.map((part) => [part.warehouse, part.reserved, lackingUnits(part)])).toEqual([
      ['W1', 2, 1],
      ['W3', 1, 0],
    ]);
  });
});

describe('R15: cures by rule', () => {
  const turns = (cures: readonly ShortageCure[], more: Partial<LiveReservation> = {}) =>
    cures.filter((cure) => hasTurn(cure, { ...aRuleSet().rules, shortageCures: cures }, aReservation(more)));

  test('have their turn in order; those behind WAIT once the waiting nears its end', () => {
    const cures = ['RESOURCE', 'WAIT', 'SUGGEST_REFUND'] as const;
    expect(turns(cures)).toEqual(['RESOURCE']);
    expect(turns(cures, { warnedFor: T0 + DAY_MS, expireAt: T0 + DAY_MS })).toEqual([...cures]);
    expect(turns(cures, { warnedFor: T0 + DAY_MS, expireAt: T0 + DAY_MS + 1 })).toEqual(['RESOURCE']);
    expect(turns(cures, { overdueFlagged: true })).toEqual([...cures]);
    expect(turns(['SUGGEST_REFUND', 'RESOURCE'])).toEqual(['SUGGEST_REFUND', 'RESOURCE']);
    expect(hasTurn('SUBSTITUTE', aRuleSet().rules, aReservation())).toBe(false);
  });

  test('suggest a refund of nothing but what still lacks units after the others', () => {
    fc.assert(
      fc.property(shapes, elsewhere, fc.nat(12), fc.boolean(), (all, second, onHand, waitsFirst) => {
        const before = made(all);
        const shortageCures: ShortageCure[] = waitsFirst
          ? ['RESOURCE', 'WAIT', 'SUGGEST_REFUND']
          : ['RESOURCE', 'SUGGEST_REFUND'];
        const work = workWith(before, [second, { onHand: 0, safetyStock: 0 }], { shortageCures });
        count(work, Math.min(onHand, heldAt(before, 'W1')));
        const lacking = before.map((one) => nowOf(work, one)).filter((one) => lackOf(one) > 0);
        const told = work.notifications.added.map(({ reservationId, kind, facts }: Notice) => [
          reservationId,
          kind,
          facts.units,
        ]);
        const expected = lacking.map((one) => [one.reservationId, 'SUGGEST_REFUND', String(lackOf(one))]);
        expect(told.sort()).toEqual(waitsFirst ? [] : expected.sort());
      }),
      runs(),
    );
  });
});
