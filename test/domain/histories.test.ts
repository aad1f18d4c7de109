import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { abortPick, confirmPick, shortPick, startPick } from '../../src/domain/picking.ts';
import { isLive, type LiveReservation, type Reservation } from '../../src/domain/reservation.ts';
import { expire, extend, flagOverdue, fulfil, release } from '../../src/domain/resolution.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { DAY_MS, freshReservation, HOUR_MS, runs, T0, WAREHOUSES } from '../support/arbitraries.ts';

interface Step {
  readonly command: 'start' | 'abort' | 'confirm' | 'short' | 'fulfil' | 'release' | 'expire' | 'extend' | 'flag';
  readonly warehouse: string;
  readonly lineNumber: number;
  readonly quantity: number;
  readonly all: boolean;
  readonly bound: boolean;
  readonly close: boolean;
  readonly waitMs: number;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  command: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('start', 'abort', 'confirm', 'confirm', 'short', 'fulfil') },
    { weight: 2, arbitrary: fc.constantFrom('expire', 'extend', 'flag') },
    { weight: 1, arbitrary: fc.constant('release') },
  ) as fc.Arbitrary<Step['command']>,
  warehouse: fc.constantFrom(...WAREHOUSES),
  lineNumber: fc.integer({ min: 1, max: 3 }),
  quantity: fc.integer({ min: 1, max: 5 }),
  all: fc.boolean(),
  bound: fc.boolean(),
  close: fc.boolean(),
  waitMs: fc.constantFrom(0, HOUR_MS, HOUR_MS, DAY_MS, 20 * DAY_MS),
});
const anyHistory = fc.array(anyStep, { minLength: 1, maxLength: 15, size: 'max' });

function apply(reservation: Reservation, step: Step, now: number): Transition {
  const { command, warehouse, lineNumber, quantity } = step;
  const lines = step.all ? [] : [{ lineNumber, quantity, sku: '', ...(step.bound ? { warehouse } : {}) }];
  switch (command) {
    case 'start':
      return startPick(reservation, now);
    case 'abort':
      return abortPick(reservation, warehouse, now);
    case 'confirm':
      return confirmPick(reservation, warehouse, lines, now);
    case 'short':
      return shortPick(reservation, warehouse, [{ lineNumber, quantity, sku: '' }], now);
    case 'fulfil':
      return fulfil(reservation, lines, step.close, now);
    case 'release':
      return release(reservation, 'CANCELLED', now);
    case 'expire':
      return expire(reservation, now);
    case 'extend':
      return extend(reservation, reservation.expireAt + quantity * DAY_MS, FIRST_RULES, now);
    case 'flag':
      return flagOverdue(reservation, FIRST_RULES, now);
  }
}

interface Moment {
  readonly step: Step;
  readonly now: number;
  readonly before: Reservation;
  readonly transition: Transition;
}

/** Runs a history from a fresh reservation and looks at each moment of it. */
function play(fresh: LiveReservation, history: readonly Step[], look: (moment: Moment) => void): Reservation {
  let before: Reservation = fresh;
  let now = T0;
  for (const step of history) {
    now += step.waitMs;
    const transition = apply(before, step, now);
    look({ step, now, before, transition });
    if (transition.outcome === 'changed') before = transition.next;
  }
  return before;
}

const parts = (reservation: Reservation) => reservation.lines.flatMap((line) => line.allocations);
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('in every history of a reservation', () => {
  test('units are conserved: each is reserved, fulfilled or released, and picked and short are parts of reserved', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        const started = parts(fresh).map((part) => part.reserved);
        play(fresh, history, ({ transition }) => {
          if (transition.outcome !== 'changed') return;
          const now = parts(transition.next);
          expect(now.map((part) => part.reserved + part.fulfilled + part.released)).toEqual(started);
          for (const part of now) {
            expect(
              Math.min(part.reserved, part.picked, part.short, part.fulfilled, part.released),
            ).toBeGreaterThanOrEqual(0);
            expect(part.picked + part.short).toBeLessThanOrEqual(part.reserved);
          }
        });
      }),
      runs(2_000),
    );
  });

  test('pools change exactly as the lines do, and from reserve to resolution they sum to zero', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        let reserved = sum(parts(fresh).map((part) => part.reserved));
        let offHand = 0;
        let shorted = 0;
        const last = play(fresh, history, ({ before, transition }) => {
          if (transition.outcome !== 'changed') return;
          const delta = (pick: 'onHand' | 'reserved') => sum(transition.pools.map((pool) => pool.delta[pick] ?? 0));
          const held = (reservation: Reservation) => sum(parts(reservation).map((part) => part.reserved));
          expect(delta('reserved')).toBe(held(transition.next) - held(before));
          reserved += delta('reserved');
          offHand -= delta('onHand');
          if (transition.kind === 'short') shorted -= delta('onHand');
        });
        if (!isLive(last)) expect(reserved).toBe(0);
        expect(offHand - shorted).toBe(sum(parts(last).map((part) => part.fulfilled)));
      }),
      runs(2_000),
    );
  });

  test('versions have no gap, and what is not a change leaves the reservation alone', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        play(fresh, history, ({ before, transition }) => {
          const frozen = structuredClone(before);
          if (transition.outcome === 'changed') expect(transition.next.version).toBe(before.version + 1);
          expect(before).toEqual(frozen);
        });
      }),
      runs(),
    );
  });

  test('a resolved reservation never changes again and holds nothing', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        const ended = [...history, { ...(history[0] as Step), command: 'release' as const }, ...history];
        let resolutions = 0;
        play(fresh, ended, ({ before, transition }) => {
          if (!isLive(before)) expect(transition.outcome).not.toBe('changed');
          if (transition.outcome !== 'changed' || isLive(transition.next)) return;
          resolutions += 1;
          expect(parts(transition.next).map((part) => part.reserved + part.picked + part.short)).toEqual(
            parts(fresh).map(() => 0),
          );
        });
        expect(resolutions).toBe(1);
      }),
      runs(),
    );
  });

  test('the clock frees nothing before the deadline and never what a warehouse has begun', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        play(fresh, history, ({ now, before, transition }) => {
          if (transition.outcome !== 'changed' || transition.next.state !== 'EXPIRED') return;
          expect(now).toBeGreaterThanOrEqual(before.expireAt);
          expect(['RESERVED', 'WAITLISTED']).toContain(before.state);
        });
      }),
      runs(),
    );
  });

  test('READY is exactly: in preparation and every held unit picked', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        play(fresh, history, ({ transition }) => {
          if (transition.outcome !== 'changed' || !isLive(transition.next)) return;
          const isAllPicked = parts(transition.next).every((part) => part.picked === part.reserved);
          expect(transition.next.state === 'READY').toBe(isAllPicked);
          if (transition.next.state === 'RESERVED')
            expect(sum(parts(transition.next).map((part) => part.picked))).toBe(0);
        });
      }),
      runs(2_000),
    );
  });

  test('the deadline only moves later while it lives', () => {
    fc.assert(
      fc.property(freshReservation, anyHistory, (fresh, history) => {
        play(fresh, history, ({ before, transition }) => {
          if (transition.outcome === 'changed') {
            expect(transition.next.expireAt).toBeGreaterThanOrEqual(before.expireAt);
          }
        });
      }),
      runs(),
    );
  });
});
