import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyRules } from '../../src/domain/apply-rules.ts';
import type { ReachedMilestone } from '../../src/domain/milestone.ts';
import type { PastCase } from '../../src/domain/past-case.ts';
import type { LiveReservation, Reservation } from '../../src/domain/reservation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import { aReservation, DAY_MS, HOUR_MS, NO_FACTS, runs, T0 } from '../support/arbitraries.ts';
import { aRuleSet } from '../support/deciding.ts';

const HELD = aReservation({ expireAt: T0 + 14 * DAY_MS });

function pastOf({ trackingId, exchangeId, channel, lines }: Reservation, request: object = {}): PastCase {
  return {
    trackingId,
    exchangeId,
    decidedAt: T0,
    ruleVersion: 1,
    request: {
      facts: NO_FACTS,
      destination: { countryCode: '', postalCode: '' },
      channel,
      lines: lines.map(({ sku, quantity }) => ({ sku, quantity, warehouse: '' })),
      partial: false,
      holdWindowMs: null,
      lost: [],
      liveOfCustomer: 0,
      ...request,
    },
    seen: [],
    was: { accepted: true, expireAt: T0 + 14 * DAY_MS, placements: [] },
  };
}

interface Applied {
  readonly reservation?: Reservation;
  readonly past?: PastCase | null;
  readonly own?: Partial<Rules>;
  readonly reached?: readonly ReachedMilestone[];
  readonly awaited?: Pick<Reservation, 'pickAwaits'>;
  readonly now?: number;
}

function apply(rules: Partial<Rules>, { reservation = HELD, past, own, now = T0, ...more }: Applied = {}) {
  const { reached = [], awaited = {} } = more;
  const known = { past: past === undefined ? pastOf(reservation) : past, own: aRuleSet(own).rules, reached, awaited };
  return applyRules(reservation, aRuleSet({ version: 2, ...rules }), known, now);
}

/** The reservation after a change. */
function nextOf(decided: ReturnType<typeof apply>): Reservation {
  if ('left' in decided || decided.outcome !== 'changed') throw new TypeError(`unchanged: ${JSON.stringify(decided)}`);
  return decided.next;
}

const DAY_WINDOW = { defaultHoldWindowMs: DAY_MS };

describe('applying rules', () => {
  test('gives the deadline that a window of theirs ends at, counted from when it was made', () => {
    expect(apply({ defaultHoldWindowMs: 20 * DAY_MS }, { now: T0 + 3 * DAY_MS })).toMatchObject({
      kind: 'extended',
      pools: [],
      next: { version: 2, ruleVersion: 2, expireAt: T0 + 20 * DAY_MS },
    });
    expect(apply({ defaultHoldWindowMs: 5 * DAY_MS }, { now: T0 + 3 * DAY_MS })).toMatchObject({
      kind: 'changed',
      next: { ruleVersion: 2, expireAt: T0 + 5 * DAY_MS },
    });
    expect(nextOf(apply({ channelHoldWindowsMs: { web: 2 * DAY_MS } })).expireAt).toBe(T0 + 2 * DAY_MS);
  });

  test('changes nothing but the version, the rules it follows and the deadline', () => {
    const next = nextOf(apply(DAY_WINDOW));
    expect({ ...next, version: 1, ruleVersion: 1, expireAt: HELD.expireAt }).toEqual(HELD);
  });

  test('leaves what waits for stock to the rules that made it wait', () => {
    const reservation = { ...HELD, state: 'WAITLISTED' } as const;
    expect(apply(DAY_WINDOW, { reservation })).toMatchObject({ left: expect.stringContaining('waits'), refusal: null });
  });

  test('of the version it follows already changes nothing', () => {
    expect(apply({ ...DAY_WINDOW, version: 1 })).toEqual({ outcome: 'unchanged' });
  });

  test('leaves the shortest window to what would have ended before, and grants no more than the longest', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 100 * 24 }),
      fc.integer({ min: 1, max: 30 * 24 }),
      (window, passed) => {
        const hours = { defaultHoldWindowMs: window * HOUR_MS, minHoldWindowMs: HOUR_MS, maxHoldWindowMs: 40 * DAY_MS };
        const now = T0 + passed * HOUR_MS;
        const reservation = aReservation({ expireAt: T0 + 60 * DAY_MS });
        const decided = apply(hours, { reservation, own: { defaultHoldWindowMs: 60 * DAY_MS }, now });
        const isAllowed = window >= 1 && window <= 40 * 24;
        expect('left' in decided).toBe(!isAllowed);
        if ('left' in decided) return;
        const { expireAt } = nextOf(decided);
        expect(expireAt).toBeGreaterThanOrEqual(now + HOUR_MS);
        expect(expireAt).toBeLessThanOrEqual(now + 40 * DAY_MS);
      },
    );
    fc.assert(property, runs(500));
    const reservation = aReservation({ expireAt: T0 + 14 * DAY_MS });
    expect(nextOf(apply({ ...DAY_WINDOW, minHoldWindowMs: 0 }, { reservation, now: T0 + 3 * DAY_MS })).expireAt).toBe(
      T0 + 3 * DAY_MS + 1_000,
    );
  });

  test('keeps the window that was asked for', () => {
    const reservation = aReservation({ expireAt: T0 + 3 * DAY_MS });
    const past = pastOf(reservation, { holdWindowMs: 3 * DAY_MS });
    expect(nextOf(apply(DAY_WINDOW, { reservation, past })).expireAt).toBe(T0 + 3 * DAY_MS);
    expect(apply({ ...DAY_WINDOW, maxHoldWindowMs: 2 * DAY_MS }, { reservation, past })).toMatchObject({
      refusal: { reason: 'RULE_LIMIT', metadata: { limit: 'max_hold_window_ms' } },
    });
  });

  test('does not overrule a deadline that somebody moved, but for the longest window', () => {
    const reservation = aReservation({ expireAt: T0 + 15 * DAY_MS });
    expect(nextOf(apply(DAY_WINDOW, { reservation })).expireAt).toBe(T0 + 15 * DAY_MS);
    expect(nextOf(apply({ ...DAY_WINDOW, maxHoldWindowMs: 2 * DAY_MS }, { reservation })).expireAt).toBe(
      T0 + 2 * DAY_MS,
    );
  });

  test('counts the window from the latest milestone that moved the deadline, by their rule for it', () => {
    const milestones = (days: number) =>
      ({ milestones: [{ milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: days * DAY_MS }] }) as const;
    const reached = [{ milestone: 'LABEL_CREATED', occurredAt: T0 + DAY_MS }] as const;
    const reservation = aReservation({ expireAt: T0 + 8 * DAY_MS });
    const given = { reservation, own: milestones(7), reached, now: T0 + 2 * DAY_MS };
    expect(nextOf(apply(milestones(20), given)).expireAt).toBe(T0 + 21 * DAY_MS);
    expect(nextOf(apply({}, given)).expireAt).toBe(T0 + 14 * DAY_MS);
    const ending = {
      milestones: [{ milestone: 'LABEL_CREATED', action: 'RELEASE', releaseReason: 'MANUAL' }],
    } as const;
    expect(apply(ending, given)).toEqual({
      left: 'LABEL_CREATED was reported, by which these rules would have ended it',
      refusal: null,
    });
  });
});

describe('is left as it is', () => {
  const GOLD = { name: 'gold', expression: 'facts.customer_tier == "GOLD"', customerMessage: '', staffMessage: '' };
  const RECENT = {
    name: 'recent',
    expression: 'now - facts.delivered_time <= duration("24h")',
    customerMessage: '',
    staffMessage: '',
  };

  test.each(['PREPARING', 'READY'] as const)('%s: the warehouse has begun', (state) => {
    expect(apply(DAY_WINDOW, { reservation: { ...HELD, state } })).toMatchObject({
      refusal: { reason: 'BEING_PICKED', metadata: { state } },
    });
  });

  test('what is resolved, and says how', () => {
    const reservation: Reservation = { ...HELD, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' };
    expect(apply(DAY_WINDOW, { reservation })).toMatchObject({ refusal: { reason: 'ALREADY_RELEASED' } });
  });

  test('what the rules would have refused when it was made, and only then', () => {
    expect(apply({ eligibility: [GOLD] })).toMatchObject({
      refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'gold', rule_version: '2' } },
    });
    expect(apply({ maxLines: 1, maxUnits: 0 })).toMatchObject({ refusal: { reason: 'RULE_LIMIT' } });
    const past = pastOf(HELD, { facts: { ...NO_FACTS, deliveredAt: T0 - HOUR_MS } });
    expect(nextOf(apply({ eligibility: [RECENT] }, { past, now: T0 + 5 * DAY_MS })).ruleVersion).toBe(2);
  });

  test('what nobody knows enough of', () => {
    expect(apply(DAY_WINDOW, { past: null })).toEqual({ left: 'the request was not kept', refusal: null });
    const past = pastOf(HELD, { lost: ['customer_tier'] });
    expect(apply({ eligibility: [GOLD] }, { past })).toEqual({ left: 'customer_tier is kept no more', refusal: null });
  });
});

test('applied twice, nothing changes the second time', () => {
  const once = nextOf(apply(DAY_WINDOW)) as LiveReservation;
  expect(apply(DAY_WINDOW, { reservation: once, own: { ...DAY_WINDOW, version: 2 } })).toEqual({
    outcome: 'unchanged',
  });
});

test('P26: lets a pick that was not asked for await what they say, and asks for it where they name nothing more', () => {
  const reservation = aReservation({ expireAt: T0 + 14 * DAY_MS, pickAwaits: 'RETURN_RECEIVED' });
  const past = pastOf(reservation);
  const awaited = { pickAwaits: 'INSPECTION_PASSED' } as const;
  expect(nextOf(apply({}, { reservation, past, awaited })).pickAwaits).toBe('INSPECTION_PASSED');
  expect(nextOf(apply({}, { reservation, past }))).not.toHaveProperty('pickAwaits');
  // What was asked for is not called off.
  expect(nextOf(apply({}, { awaited }))).not.toHaveProperty('pickAwaits');
});
