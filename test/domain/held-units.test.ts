import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countIn } from '../../src/domain/held-units.ts';
import { abortPick, confirmPick, shortPick } from '../../src/domain/picking.ts';
import { isLive, type LiveReservation, type Reservation } from '../../src/domain/reservation.ts';
import { fulfil, release } from '../../src/domain/resolution.ts';
import { applyDelta, type StockLevel } from '../../src/domain/stock-level.ts';
import { StockUnits } from '../../src/domain/stock-units.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { aLevel, aLine, anAllocation, aReservation, runs, T0 } from '../support/arbitraries.ts';

const UNITS = 5;
const nameOf = (at: number) => `U${at + 1}`;
const NAMES = Array.from({ length: UNITS }, (_, at) => nameOf(at));

/** Something that happens to a reservation, by names or by number. */
type Happening = (reservation: Reservation) => Transition;

const anyUnits = fc.subarray(NAMES, { minLength: 1 });
const lineOf = (unitIds: readonly string[], isNamed: boolean) => ({
  lineNumber: 1,
  sku: '',
  quantity: unitIds.length,
  ...(isNamed && { unitIds }),
});

const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  fc.tuple(anyUnits, fc.boolean()).map(
    ([unitIds, isNamed]): Happening =>
      (reservation) =>
        confirmPick(reservation, 'W1', [lineOf(unitIds, isNamed)], T0),
  ),
  fc.tuple(anyUnits, fc.boolean()).map(
    ([unitIds, isNamed]): Happening =>
      (reservation) =>
        shortPick(reservation, 'W1', [lineOf(unitIds, isNamed)], T0),
  ),
  fc.constant<Happening>((reservation) => abortPick(reservation, 'W1', T0)),
  fc.tuple(anyUnits, fc.boolean(), fc.boolean()).map(
    ([unitIds, isNamed, close]): Happening =>
      (reservation) =>
        fulfil(reservation, [lineOf(unitIds, isNamed)], close, T0),
  ),
  fc.constant<Happening>((reservation) => release(reservation, 'CANCELLED', T0)),
);

function holding(): LiveReservation {
  const units = NAMES.map((unitId) => ({ unitId, condition: 'HELD' as const }));
  return aReservation({
    lines: [aLine({ quantity: UNITS, allocations: [anAllocation({ reserved: UNITS, units })] })],
  });
}

function allHeld(): StockUnits {
  const facts = { sku: 'A', warehouse: 'W1', onHand: true, allocated: true, unavailable: false };
  return new StockUnits({
    skus: new Set(['A']),
    units: NAMES.map((unitId) => ({ ...facts, unitId })),
    truncated: new Set(),
  });
}

test('I3: whatever happens, the counters are those of the named units, and the units those of the pool', () => {
  fc.assert(
    fc.property(fc.array(anyHappening, { maxLength: 12 }), (happenings) => {
      let reservation: Reservation = holding();
      let level: StockLevel = aLevel({ onHand: UNITS, reserved: UNITS });
      const units = allHeld();
      for (const happen of happenings) {
        const decided = happen(reservation);
        if (decided.outcome !== 'changed') continue;
        const isThere = decided.pools.every(
          ({ delta, unitIds = [] }) =>
            delta.reserved === undefined ||
            (delta.onHand ?? 0) === 0 ||
            unitIds.every((unitId) => units.get('A', unitId)?.onHand === true),
        );
        // As the use case does: what is not on hand cannot leave.
        if (!isThere) continue;
        for (const { delta, unitIds = [], ...pool } of decided.pools) {
          expect(unitIds).toHaveLength(Math.abs(delta.reserved ?? delta.onHand ?? 0));
          level = applyDelta(level, {
            ...delta,
            onHand: units.apply({ ...pool, unitIds, delta }, delta.reserved === undefined),
          });
        }
        reservation = decided.next;
        check(reservation, level, units);
      }
    }),
    runs(),
  );
});

function check(reservation: Reservation, level: StockLevel, units: StockUnits): void {
  const [part] = reservation.lines[0]?.allocations ?? [];
  const held = part?.units ?? [];
  const shipped = part?.shipped ?? [];
  expect(part).toMatchObject({
    reserved: held.length,
    picked: countIn(held, 'PICKED'),
    short: countIn(held, 'SHORT'),
    fulfilled: shipped.length,
  });
  expect(new Set([...held.map((unit) => unit.unitId), ...shipped]).size).toBe(held.length + shipped.length);
  if (!isLive(reservation)) expect(held).toEqual([]);
  const there = units.ofPool('A', 'W1');
  expect(there.filter((unit) => unit.onHand)).toHaveLength(level.onHand);
  expect(there.filter((unit) => unit.allocated).map((unit) => unit.unitId)).toEqual(
    held.map((unit) => unit.unitId).sort(),
  );
  expect(level.reserved).toBe(held.length);
}

test('a unit that a line does not hold is the wrong one, to be picked, missed or fulfilled', () => {
  const wrong = [{ lineNumber: 1, sku: '', quantity: 1, unitIds: ['U9'] }];
  for (const decided of [
    confirmPick(holding(), 'W1', wrong, T0),
    shortPick(holding(), 'W1', wrong, T0),
    fulfil(holding(), wrong, false, T0),
  ]) {
    expect(decided).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'WRONG_UNIT', metadata: { unit_id: 'U9' } },
    });
  }
});
