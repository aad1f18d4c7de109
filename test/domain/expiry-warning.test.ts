import fc from 'fast-check';
import { expect, test } from 'vitest';
import { warningTexts, warnOfExpiry } from '../../src/domain/expiry-warning.ts';
import type { LiveState, Reservation } from '../../src/domain/reservation.ts';
import { extend } from '../../src/domain/resolution.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { aReservation, DAY_MS, HOUR_MS, runs, T0 } from '../support/arbitraries.ts';

const HELD = aReservation({ expireAt: T0 + 14 * DAY_MS });
const NEAR = HELD.expireAt - DAY_MS;

test('a deadline is told to be near from the instant the rules name, and nothing else changes', () => {
  expect(warnOfExpiry(HELD, FIRST_RULES, NEAR - 1)).toEqual({ outcome: 'unchanged' });
  expect(warnOfExpiry(HELD, FIRST_RULES, NEAR)).toEqual({
    outcome: 'changed',
    kind: 'expiring-soon',
    next: { ...HELD, version: 2, warnedFor: HELD.expireAt },
    pools: [],
  });
  expect(warnOfExpiry(HELD, { ...FIRST_RULES, expiryWarningMs: 0 }, NEAR)).toEqual({ outcome: 'unchanged' });
});

test('each deadline is told of once, also after it was moved, and none that has passed', () => {
  const anyStep = fc.record({
    passed: fc.integer({ min: 0, max: 3 * DAY_MS }),
    later: fc.constantFrom(0, HOUR_MS, 5 * DAY_MS),
  });
  const property = fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
    const told: number[] = [];
    let reservation: Reservation = HELD;
    let now = T0;
    for (const { passed, later } of steps) {
      now += passed;
      const extended = extend(reservation, reservation.expireAt + later, FIRST_RULES, now);
      if (extended.outcome === 'changed') reservation = extended.next;
      for (let tries = 0; tries < 2; tries += 1) {
        const warned = warnOfExpiry(reservation, FIRST_RULES, now);
        if (warned.outcome !== 'changed') continue;
        expect([warned.next.expireAt > now, warned.next.expireAt - now <= DAY_MS]).toEqual([true, true]);
        expect(warned.next.version).toBe(reservation.version + 1);
        told.push(warned.next.expireAt);
        reservation = warned.next;
      }
    }
    expect(new Set(told).size).toBe(told.length);
    const isNear = reservation.expireAt > now && reservation.expireAt - now <= DAY_MS;
    if (isNear) expect(told.at(-1)).toBe(reservation.expireAt);
  });
  fc.assert(property, runs(500));
});

test.each<[LiveState, boolean]>([
  ['WAITLISTED', true],
  ['RESERVED', true],
  ['PREPARING', false],
  ['READY', false],
])('the clock frees what is %s, so a warning is sent: %s', (state, isWarned) => {
  const { outcome } = warnOfExpiry({ ...HELD, state }, FIRST_RULES, NEAR);
  expect(outcome).toBe(isWarned ? 'changed' : 'unchanged');
});

test('nothing is told of what is resolved, of what is due, and of what was never held for longer', () => {
  const released: Reservation = { ...HELD, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' };
  expect(warnOfExpiry(released, FIRST_RULES, NEAR).outcome).toBe('unchanged');
  expect(warnOfExpiry(HELD, FIRST_RULES, HELD.expireAt).outcome).toBe('unchanged');
  expect(warnOfExpiry(aReservation({ expireAt: T0 + DAY_MS }), FIRST_RULES, T0).outcome).toBe('unchanged');
  expect(warnOfExpiry(aReservation({ expireAt: T0 + DAY_MS + 1 }), FIRST_RULES, T0 + 1).outcome).toBe('changed');
});

test('says to the customer and to staff what the deadline is, and nothing else', () => {
  const { customerMessage, staffMessage } = warningTexts('2026-01-29T12:00:00.000Z');
  expect(customerMessage).toBe(
    'Your replacement item is held for you until 2026-01-29T12:00:00.000Z; after that it may go to somebody else.',
  );
  expect(staffMessage).toBe('The reservation expires at 2026-01-29T12:00:00.000Z.');
});
