import { describe, expect, test } from 'vitest';
import { customerText, NOTIFICATION_KINDS, noticesOf, noticeText } from '../../src/domain/notification.ts';
import { abortPick, confirmPick, shortPick, startPick } from '../../src/domain/picking.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { expire, flagOverdue, fulfil, release } from '../../src/domain/resolution.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import type { Transition } from '../../src/domain/transition.ts';
import { A_CAUSE, aLine, anAllocation, aReservation, HOUR_MS, T0 } from '../support/arbitraries.ts';

const WAREHOUSE = { ...A_CAUSE, caller: { principal: 'wms:sim', actorType: 'WAREHOUSE' as const, channel: '' } };

const held = aReservation({
  expireAt: T0 + HOUR_MS,
  customerRef: 'customer-7',
  lines: [
    aLine({ quantity: 3, allocations: [anAllocation({ reserved: 3 })] }),
    aLine({ lineNumber: 2, sku: 'B', quantity: 2, allocations: [anAllocation({ warehouse: 'W2', reserved: 2 })] }),
  ],
});

function nextOf(reservation: Reservation, transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`nothing changed in ${reservation.state}`);
  return transition.next;
}

/** What people hear of a transition: the kind, and the sentence. */
function told(previous: Reservation, transition: Transition, cause = A_CAUSE): string[] {
  if (transition.outcome !== 'changed') return [];
  const notices = noticesOf({ kind: transition.kind, previous, next: transition.next, cause });
  return notices.map((notice) => `${notice.kind}: ${noticeText(notice)}`);
}

describe('people hear', () => {
  test('nothing of a reservation that is made, extended by its caller or prepared', () => {
    const picked = nextOf(held, startPick(held, T0));
    expect(noticesOf({ kind: 'reserved', previous: null, next: held, cause: A_CAUSE })).toEqual([]);
    expect(told(held, startPick(held, T0), WAREHOUSE)).toEqual([]);
    expect(told(picked, confirmPick(picked, 'W1', [], T0), WAREHOUSE)).toEqual([]);
  });

  test('of the end by the clock or by a release, with what became free', () => {
    expect(told(held, expire(held, T0 + HOUR_MS))).toEqual([
      'EXPIRED: The deadline 2026-01-15T13:00:00.000Z passed; 5 units are free again.',
    ]);
    expect(told(held, release(held, 'REFUNDED', T0))).toEqual([
      'RELEASED: Released as REFUNDED while RESERVED; 5 units are free again.',
    ]);
  });

  test('R7: of a deadline that passed in preparation, and only the first time', () => {
    const picked = nextOf(held, startPick(held, T0));
    const late = flagOverdue(picked, FIRST_RULES, T0 + HOUR_MS);
    expect(told(picked, late)).toEqual([
      'LATE_PICK: The deadline passed while PREPARING; it was moved to 2026-01-29T13:00:00.000Z, once.',
    ]);
    const flagged = nextOf(picked, late);
    expect(told(flagged, startPick({ ...flagged, state: 'RESERVED' } as Reservation, T0))).toEqual([]);
  });

  test('of units that a picker did not find', () => {
    const missing = shortPick(held, 'W1', [{ lineNumber: 1, sku: 'A', quantity: 2 }], T0);
    expect(told(held, missing, WAREHOUSE)).toEqual(['SHORTAGE: 2 promised units of A are not at W1.']);
  });

  test('of a warehouse that ships less than it holds, and not of what another one holds', () => {
    const part = fulfil(held, [{ lineNumber: 1, quantity: 2, warehouse: 'W1' }], false, T0);
    expect(told(held, part, WAREHOUSE)).toEqual(['INCOMPLETE: W1 shipped 2 units; 1 more are still held there.']);
    const whole = fulfil(held, [{ lineNumber: 1, quantity: 3, warehouse: 'W1' }], false, T0);
    expect(told(held, whole, WAREHOUSE)).toEqual([]);
    expect(told(held, part)).toEqual([]);
  });

  test('of a warehouse that gave its pick up', () => {
    const begun = nextOf(held, startPick(held, T0));
    const picked = nextOf(begun, confirmPick(begun, 'W1', [{ lineNumber: 1, sku: 'A', quantity: 1 }], T0));
    expect(told(picked, abortPick(picked, 'W1', T0), WAREHOUSE)).toEqual([
      'REFUSED_BY_WAREHOUSE: W1 gave the pick up; 3 units are still reserved there.',
    ]);
  });

  test.each(NOTIFICATION_KINDS)('of %s in a sentence without gaps, made of the facts alone', (kind) => {
    const facts = {
      units: '2',
      shipped: '1',
      sku: 'A',
      warehouse: 'W1',
      state: 'RELEASED',
      event: 'pick-confirmed',
      release_reason: 'CANCELLED',
      expire_time: '2026-01-29T13:00:00.000Z',
    };
    const text = noticeText({ kind, facts });
    expect(text).toMatch(/^[A-Z0-9].*[a-z0-9Z]\.$/);
    expect(text).not.toContain('undefined');
    const isForCustomers = kind === 'EXPIRING_SOON';
    expect(customerText({ kind, facts })).toMatch(isForCustomers ? /^Your .* 2026-01-29T13:00:00.000Z.*\.$/ : /^$/);
  });
});

test('no notice carries anything of a customer', () => {
  const ends = [release(held, 'REFUNDED', T0), expire(held, T0 + HOUR_MS)];
  for (const transition of ends) {
    expect(transition.outcome).toBe('changed');
    if (transition.outcome !== 'changed') continue;
    const notices = noticesOf({ kind: transition.kind, previous: held, next: transition.next, cause: A_CAUSE });
    expect(JSON.stringify(notices.map(({ facts }) => facts))).not.toContain('customer-7');
  }
});
