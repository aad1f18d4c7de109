import { describe, expect, test } from 'vitest';
import type { LiveState, Reservation } from '../../src/domain/reservation.ts';
import { expire, extend, flagOverdue, fulfil, release } from '../../src/domain/resolution.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { checkEtag, etagOf, type Transition } from '../../src/domain/transition.ts';
import { aLine, anAllocation, aReservation, DAY_MS, T0 } from '../support/arbitraries.ts';

const DEADLINE = T0 + DAY_MS;
const LIVE: LiveState[] = ['WAITLISTED', 'RESERVED', 'PREPARING', 'READY'];

const fulfilled: Reservation = { ...aReservation(), state: 'FULFILLED', resolvedAt: T0 + 5, releaseReason: null };
const released: Reservation = { ...aReservation(), state: 'RELEASED', resolvedAt: T0 + 5, releaseReason: 'CANCELLED' };
const expired: Reservation = { ...aReservation(), state: 'EXPIRED', resolvedAt: T0 + 5, releaseReason: 'EXPIRED' };

/** Two lines over two warehouses: 3 + 2 of A, 1 of B. */
const two = aReservation({
  lines: [
    aLine({
      quantity: 5,
      allocations: [anAllocation({ reserved: 3 }), anAllocation({ warehouse: 'W2', reserved: 2 })],
    }),
    aLine({ lineNumber: 2, sku: 'B' }),
  ],
});

/** `unchanged`, a refusal's reason, or the state a change leads to. */
function verdict(transition: Transition): string {
  if (transition.outcome === 'refused') return transition.refusal.reason;
  return transition.outcome === 'changed' ? transition.next.state : 'unchanged';
}

function next(transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`expected a change, got ${verdict(transition)}`);
  return transition.next;
}

describe('a second attempt', () => {
  test.each([
    ['release', released, 'unchanged'],
    ['release', expired, 'unchanged'],
    ['release', fulfilled, 'ALREADY_FULFILLED'],
    ['fulfil', fulfilled, 'unchanged'],
    ['fulfil', released, 'ALREADY_RELEASED'],
    ['fulfil', expired, 'EXPIRED'],
    ['extend', fulfilled, 'ALREADY_FULFILLED'],
    ['extend', released, 'ALREADY_RELEASED'],
    ['extend', expired, 'EXPIRED'],
    ['expire', fulfilled, 'unchanged'],
    ['expire', released, 'unchanged'],
    ['expire', expired, 'unchanged'],
    ['flag', fulfilled, 'unchanged'],
  ] as const)('%s on $state: %s', (command, reservation, expected) => {
    const late = DEADLINE + DAY_MS;
    const attempt = {
      release: () => release(reservation, 'MANUAL', late),
      fulfil: () => fulfil(reservation, [], false, late),
      extend: () => extend(reservation, late + DAY_MS, FIRST_RULES, late),
      expire: () => expire(reservation, late),
      flag: () => flagOverdue(reservation, FIRST_RULES, late),
    }[command]();
    expect(verdict(attempt)).toBe(expected);
    if (attempt.outcome === 'refused') {
      expect(attempt.refusal.metadata).toEqual({
        state: reservation.state,
        resolve_time: new Date(T0 + 5).toISOString(),
      });
    }
  });
});

describe('release', () => {
  test.each(LIVE)('works in %s and gives every unit back', (state) => {
    const transition = release({ ...two, state }, 'REFUNDED', T0 + 1);
    expect(transition).toMatchObject({
      kind: 'released',
      next: { state: 'RELEASED', releaseReason: 'REFUNDED', resolvedAt: T0 + 1, version: 2 },
      pools: [
        { sku: 'A', warehouse: 'W1', delta: { reserved: -3 } },
        { sku: 'A', warehouse: 'W2', delta: { reserved: -2 } },
        { sku: 'B', warehouse: 'W1', delta: { reserved: -1 } },
      ],
    });
  });
});

describe('expire', () => {
  test.each([
    ['RESERVED', DEADLINE - 1, 'unchanged'],
    ['RESERVED', DEADLINE, 'EXPIRED'],
    ['WAITLISTED', DEADLINE - 1, 'unchanged'],
    ['WAITLISTED', DEADLINE, 'EXPIRED'],
    ['PREPARING', DEADLINE + 365 * DAY_MS, 'unchanged'],
    ['READY', DEADLINE + 365 * DAY_MS, 'unchanged'],
  ] as const)('%s at %i: %s', (state, now, expected) => {
    expect(verdict(expire({ ...two, state }, now))).toBe(expected);
  });
});

describe('what is in preparation past its deadline', () => {
  test.each([
    ['RESERVED', DEADLINE, false, 'unchanged'],
    ['PREPARING', DEADLINE - 1, false, 'unchanged'],
    ['PREPARING', DEADLINE, false, 'PREPARING'],
    ['READY', DEADLINE, false, 'READY'],
    ['READY', DEADLINE, true, 'unchanged'],
  ] as const)('%s at %i, flagged %s: %s', (state, now, overdueFlagged, expected) => {
    const transition = flagOverdue({ ...two, state, overdueFlagged }, FIRST_RULES, now);
    expect(verdict(transition)).toBe(expected);
    if (transition.outcome !== 'changed') return;
    expect(transition).toMatchObject({ kind: 'extended', pools: [] });
    expect(transition.next).toMatchObject({ overdueFlagged: true, expireAt: now + FIRST_RULES.defaultHoldWindowMs });
    expect(verdict(flagOverdue(transition.next, FIRST_RULES, transition.next.expireAt))).toBe('unchanged');
  });
});

describe('extend', () => {
  test.each([
    [DEADLINE, 'unchanged'],
    [DEADLINE + 1, 'RESERVED'],
    [DEADLINE - 1, 'INVALID_FIELD'],
    [T0, 'INVALID_FIELD'],
    [T0 + 90 * DAY_MS, 'RESERVED'],
    [T0 + 90 * DAY_MS + 1, 'RULE_LIMIT'],
  ])('to %i: %s', (expireAt, expected) => {
    const transition = extend(two, expireAt, FIRST_RULES, T0);
    expect(verdict(transition)).toBe(expected);
    if (transition.outcome === 'changed')
      expect(transition).toMatchObject({ kind: 'extended', next: { expireAt }, pools: [] });
  });

  test('does not bring back what the clock has freed', () => {
    expect(verdict(extend(two, DEADLINE + DAY_MS, FIRST_RULES, DEADLINE))).toBe('EXPIRED');
  });
});

describe('fulfil', () => {
  const line = (lineNumber: number, quantity: number, warehouse?: string) => ({
    lineNumber,
    quantity,
    ...(warehouse === undefined ? {} : { warehouse }),
  });

  test.each([
    ['whole', [], false, 'FULFILLED', 0],
    ['each line by name', [line(1, 5), line(2, 1)], false, 'FULFILLED', 0],
    ['one line: the rest stays reserved', [line(1, 5)], false, 'RESERVED', 1],
    ['a part of a line', [line(1, 4)], false, 'RESERVED', 2],
    ['a part, then closed: the rest is released', [line(1, 4)], true, 'FULFILLED', 0],
    ['one warehouse', [line(1, 2, 'W2')], false, 'RESERVED', 4],
    ['a line named twice', [line(1, 2), line(1, 3)], false, 'RESERVED', 1],
    ['more than is held', [line(1, 6)], false, 'INVALID_FIELD', 6],
    ['more than is held, summed', [line(1, 3), line(1, 3)], false, 'INVALID_FIELD', 6],
    [
      'more than is held, once at a warehouse and once anywhere',
      [line(1, 3, 'W1'), line(1, 3)],
      false,
      'INVALID_FIELD',
      6,
    ],
    ['anywhere first, then at a warehouse it has emptied', [line(1, 3), line(1, 1, 'W1')], false, 'RESERVED', 2],
    ['more than the warehouse holds', [line(1, 3, 'W2')], false, 'INVALID_FIELD', 6],
    ['an unknown line', [line(9, 1)], false, 'INVALID_FIELD', 6],
    ['nothing of a line', [line(1, 0)], false, 'INVALID_FIELD', 6],
    ['less than nothing', [line(1, -1)], false, 'INVALID_FIELD', 6],
  ] as const)('%s', (_, lines, close, expected, left) => {
    const transition = fulfil(two, lines, close, T0 + 1);
    expect(verdict(transition)).toBe(expected);
    const after = transition.outcome === 'changed' ? transition.next : two;
    const parts = after.lines.flatMap((one) => one.allocations);
    expect(parts.reduce((sum, part) => sum + part.reserved, 0)).toBe(left);
    if (transition.outcome !== 'changed') return;
    // What leaves the building leaves both counters; what is released leaves only reserved.
    const consumed = lines.length === 0 ? 6 : lines.reduce((sum, one) => sum + one.quantity, 0);
    const onHand = transition.pools.reduce((sum, pool) => sum + (pool.delta.onHand ?? 0), 0);
    const reserved = transition.pools.reduce((sum, pool) => sum + (pool.delta.reserved ?? 0), 0);
    expect([onHand, reserved]).toEqual([-consumed, left - 6]);
    expect(parts.reduce((sum, part) => sum + part.fulfilled, 0)).toBe(consumed);
  });

  test.each([
    ['RESERVED', DEADLINE - 1, 'FULFILLED'],
    ['RESERVED', DEADLINE, 'EXPIRED'],
    ['PREPARING', DEADLINE, 'FULFILLED'],
    ['READY', DEADLINE, 'FULFILLED'],
  ] as const)('%s at %i: %s', (state, now, expected) => {
    expect(verdict(fulfil({ ...two, state }, [], false, now))).toBe(expected);
  });

  test('leaves READY what is picked, once nothing else is held', () => {
    const lines = [aLine({ allocations: [anAllocation({ picked: 1 })] }), aLine({ lineNumber: 2, sku: 'B' })];
    const begun = aReservation({ state: 'PREPARING', lines });
    expect(next(fulfil(begun, [line(2, 1)], false, T0)).state).toBe('READY');
    expect(next(fulfil(begun, [line(1, 1)], false, T0)).state).toBe('PREPARING');
  });

  test('takes picked units before others and short ones last', () => {
    const part = anAllocation({ reserved: 5, picked: 2, short: 2 });
    const begun = aReservation({ state: 'PREPARING', lines: [aLine({ quantity: 5, allocations: [part] })] });
    const counts = [1, 2, 3, 4].map((quantity) => {
      const after = next(fulfil(begun, [line(1, quantity)], false, T0)).lines[0]?.allocations[0];
      return `${after?.reserved} held, ${after?.picked} picked, ${after?.short} short`;
    });
    expect(counts).toEqual([
      '4 held, 1 picked, 2 short',
      '3 held, 0 picked, 2 short',
      '2 held, 0 picked, 2 short',
      '1 held, 0 picked, 1 short',
    ]);
  });
});

describe('etag', () => {
  test.each([
    ['', null],
    [etagOf(two), null],
    ['v2', 'ETAG_MISMATCH'],
    ['nonsense', 'ETAG_MISMATCH'],
  ])('%j: %s', (etag, reason) => {
    expect(checkEtag(two, etag)?.reason ?? null).toBe(reason);
  });

  test('changes with every change', () => {
    expect(etagOf(next(release(two, 'MANUAL', T0)))).not.toBe(etagOf(two));
  });
});
