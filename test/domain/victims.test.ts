import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LiveReservation } from '../../src/domain/reservation.ts';
import { lackingUnits } from '../../src/domain/reservation.ts';
import { fulfil, type LineQuantity, release } from '../../src/domain/resolution.ts';
import { applyLosses, byLoss, chooseLosers, chooseRecovered, heldParts, type Loss } from '../../src/domain/victims.ts';
import { aLine, anAllocation, aReservation, runs, T0 } from '../support/arbitraries.ts';

interface Shape {
  readonly priority: number;
  readonly reserved: number;
  readonly picked: number;
  readonly short: number;
  readonly missing: number;
}

const shapes: fc.Arbitrary<Shape[]> = fc.array(
  fc
    .record({
      priority: fc.integer({ min: -1, max: 1 }),
      picked: fc.integer({ min: 0, max: 3 }),
      short: fc.integer({ min: 0, max: 3 }),
      missing: fc.integer({ min: 0, max: 3 }),
      rest: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ rest, ...shape }) => ({ ...shape, reserved: shape.picked + shape.short + shape.missing + rest })),
  { minLength: 1, maxLength: 6 },
);

function made(all: readonly Shape[]): LiveReservation[] {
  return all.map(({ priority, missing, ...part }, at) =>
    aReservation({
      reservationId: `r-${at}`,
      priority,
      state: 'PREPARING',
      lines: [
        aLine({ quantity: part.reserved, allocations: [anAllocation(missing === 0 ? part : { ...part, missing })] }),
      ],
    }),
  );
}

const partsOf = (all: readonly LiveReservation[]) => all.flatMap((one) => heldParts(one, 'A', 'W1'));
const total = (all: readonly LiveReservation[], pick: (part: ReturnType<typeof anAllocation>) => number) =>
  partsOf(all).reduce((sum, { part }) => sum + pick(part), 0);

/** The reservations after losses were applied to each. */
function left(all: readonly LiveReservation[], losses: readonly Loss[]): LiveReservation[] {
  return all.map((one) => {
    const mine = losses.filter(({ held }) => held.reservationId === one.reservationId);
    const transition = mine.length === 0 ? null : applyLosses(one, mine);
    return transition?.outcome === 'changed' ? (transition.next as LiveReservation) : one;
  });
}

describe('R15: whose units are missing', () => {
  test('exactly as many as are wanted, and never more of a line than it holds', () => {
    fc.assert(
      fc.property(shapes, fc.nat(30), (all, wanted) => {
        const before = made(all);
        const loses = total(before, (part) => part.reserved - lackingUnits(part));
        const units = Math.min(wanted, loses);
        const lost = left(before, chooseLosers(partsOf(before), units));
        expect(total(lost, lackingUnits)).toBe(total(before, lackingUnits) + units);
        for (const { part } of partsOf(lost))
          expect(part.picked + lackingUnits(part)).toBeLessThanOrEqual(part.reserved);
        expect(total(lost, (part) => part.reserved)).toBe(total(before, (part) => part.reserved));
      }),
      runs(),
    );
  });

  test('those of whom nobody stands before has a unit left that is in nobody’s hand', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 12 }), (all, units) => {
        const before = made(all);
        const losses = chooseLosers(partsOf(before), units).filter((loss) => loss.unpicked === 0);
        const last = losses.at(-1)?.held;
        if (last === undefined) return;
        const free = partsOf(left(before, losses)).filter(
          ({ part }) => part.reserved > part.picked + lackingUnits(part),
        );
        expect(free.filter((part) => byLoss(part, last) < 0)).toEqual([]);
      }),
      runs(),
    );
  });

  test('what is lost and found again leaves everything as it was', () => {
    fc.assert(
      fc.property(shapes, fc.nat(8), (all, units) => {
        const before = made(all.map((shape) => ({ ...shape, reserved: shape.reserved - shape.missing, missing: 0 })));
        const losses = chooseLosers(partsOf(before), units).filter((loss) => loss.unpicked === 0);
        const lost = left(before, losses);
        const found = left(
          lost,
          chooseRecovered(
            partsOf(lost),
            losses.reduce((sum, loss) => sum + loss.units, 0),
          ),
        );
        expect(found.map((one) => one.lines)).toEqual(before.map((one) => one.lines));
      }),
      runs(),
    );
  });

  test('nothing is missing of what was released or has left', () => {
    fc.assert(
      fc.property(shapes, fc.nat(6), (all, quantity) => {
        for (const one of made(all)) {
          const ended = release(one, 'CANCELLED', T0);
          expect(ended.outcome === 'changed' && ended.next.lines[0]?.allocations[0]?.missing).toBe(undefined);
          const asked: LineQuantity[] = [
            { lineNumber: 1, quantity: Math.min(quantity + 1, one.lines[0]?.quantity ?? 1) },
          ];
          const shipped = fulfil(one, asked, false, T0);
          if (shipped.outcome !== 'changed') continue;
          for (const part of shipped.next.lines.flatMap((line) => line.allocations)) {
            expect(part.picked + lackingUnits(part)).toBeLessThanOrEqual(part.reserved);
          }
        }
      }),
      runs(),
    );
  });
});
