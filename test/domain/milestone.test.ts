import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { followMilestone, type ReachedMilestone } from '../../src/domain/milestone.ts';
import { completeMilestoneRules, MILESTONES, type MilestoneRule } from '../../src/domain/milestone-rules.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { aReservation, DAY_MS, HOUR_MS, T0 } from '../support/arbitraries.ts';

const held = aReservation({ createdAt: T0, expireAt: T0 + 14 * DAY_MS });

const RULES: Rules = {
  ...FIRST_RULES,
  milestones: completeMilestoneRules([
    { milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: 5 * DAY_MS },
    { milestone: 'CARRIER_SCANNED', action: 'SET_DEADLINE', deadlineMs: 20 * DAY_MS },
    { milestone: 'RETURN_RECEIVED', action: 'SET_DEADLINE', deadlineMs: 3 * DAY_MS },
    { milestone: 'INSPECTION_FAILED', action: 'RELEASE', releaseReason: 'MANUAL' },
  ]),
};

/** What is left of a reservation after reports, each at its own instant. */
function leftAfter(
  reports: readonly (ReachedMilestone & { readonly at?: number })[],
  rules: Rules = RULES,
  from: Reservation = held,
): Reservation {
  let reservation: Reservation = from;
  const reached: ReachedMilestone[] = [];
  for (const { at, ...report } of reports) {
    const transition = followMilestone(reservation, rules, report, reached, at ?? report.occurredAt);
    if (transition.outcome === 'refused') throw new TypeError(transition.refusal.message);
    if (transition.outcome === 'changed') reservation = transition.next;
    reached.push(report);
  }
  return reservation;
}

const LABEL = { milestone: 'LABEL_CREATED', occurredAt: T0 + DAY_MS } as const;
const SCAN = { milestone: 'CARRIER_SCANNED', occurredAt: T0 + 3 * DAY_MS } as const;

describe('P26: what follows from a milestone is a rule', () => {
  test('by the first rules only what ends the exchange ends its reservation', () => {
    const ended = MILESTONES.map((milestone) => {
      const { state, releaseReason, version } = leftAfter([{ milestone, occurredAt: T0 }], FIRST_RULES);
      return version === 1 ? [] : [milestone, state, releaseReason];
    });
    expect(ended.filter((one) => one.length > 0)).toEqual([
      ['COMPLETED', 'FULFILLED', null],
      ['CANCELLED', 'RELEASED', 'CANCELLED'],
      ['CONVERTED_TO_REFUND', 'RELEASED', 'REFUNDED'],
    ]);
  });

  test.each<[MilestoneRule, string]>([
    [{ milestone: 'COMPLETED', action: 'NONE' }, 'RESERVED'],
    [{ milestone: 'COMPLETED', action: 'RELEASE', releaseReason: 'SUPERSEDED' }, 'RELEASED'],
    [{ milestone: 'CANCELLED', action: 'FULFIL' }, 'FULFILLED'],
    [{ milestone: 'CONVERTED_TO_REFUND', action: 'SET_DEADLINE', deadlineMs: DAY_MS }, 'RESERVED'],
  ])('%o says so also for those', (rule, state) => {
    const rules = { ...FIRST_RULES, milestones: completeMilestoneRules([rule]) };
    expect(leftAfter([{ milestone: rule.milestone, occurredAt: T0 }], rules).state).toBe(state);
  });
});

describe('a deadline', () => {
  test('is shortened by a label that no carrier may ever scan, and extended by the scan', () => {
    expect(leftAfter([LABEL]).expireAt).toBe(LABEL.occurredAt + 5 * DAY_MS);
    expect(leftAfter([LABEL, SCAN]).expireAt).toBe(SCAN.occurredAt + 20 * DAY_MS);
  });

  test('is not moved again by a repeated report, whatever time it names', () => {
    expect(leftAfter([LABEL, { ...LABEL, occurredAt: T0 + 4 * DAY_MS }])).toEqual(leftAfter([LABEL]));
  });

  test('is not moved back by a milestone that was overtaken', () => {
    expect(leftAfter([SCAN, { ...LABEL, at: T0 + 4 * DAY_MS }])).toEqual(leftAfter([SCAN]));
  });

  test('that has passed when it is told leaves the shortest window from then on', () => {
    const at = T0 + 10 * DAY_MS;
    const rules = { ...RULES, minHoldWindowMs: DAY_MS };
    expect(leftAfter([{ ...LABEL, at }], rules)).toMatchObject({ state: 'RESERVED', expireAt: at + DAY_MS });
  });

  test('counts by the calendar where the rules say so', () => {
    const rules: Rules = { ...RULES, calendarDays: true, timeZone: 'Europe/Berlin' };
    const before = Date.UTC(2030, 2, 29, 12);
    const moved = leftAfter([{ milestone: 'LABEL_CREATED', occurredAt: before }], rules, {
      ...held,
      createdAt: before - DAY_MS,
      expireAt: before + DAY_MS,
    });
    expect(moved.expireAt).toBe(before + 5 * DAY_MS - HOUR_MS);
  });
});

test('an inspection that fails releases, unless it was passed by a later one', () => {
  const failed = { milestone: 'INSPECTION_FAILED', occurredAt: T0 + DAY_MS } as const;
  const passed = { milestone: 'INSPECTION_PASSED', occurredAt: T0 + 2 * DAY_MS } as const;
  const rules = {
    ...RULES,
    milestones: completeMilestoneRules([
      ...RULES.milestones,
      { milestone: 'INSPECTION_PASSED', action: 'SET_DEADLINE', deadlineMs: DAY_MS },
    ]),
  };
  expect(leftAfter([failed], rules).state).toBe('RELEASED');
  expect(leftAfter([passed, { ...failed, at: T0 + 2 * DAY_MS }], rules).state).toBe('RESERVED');
});

describe('nothing follows', () => {
  const resolved: Reservation = { ...held, state: 'RELEASED', resolvedAt: T0, releaseReason: 'MANUAL' };
  test.each(MILESTONES)('for what is resolved or past its deadline: %s', (milestone) => {
    expect(leftAfter([{ milestone, occurredAt: T0 }], RULES, resolved)).toBe(resolved);
    expect(leftAfter([{ milestone, occurredAt: T0, at: held.expireAt }])).toBe(held);
  });
});

const windows = fc
  .record({ min: fc.integer({ min: 0, max: 5 * DAY_MS }), span: fc.integer({ min: 0, max: 90 * DAY_MS }) })
  .map(({ min, span }) => ({ minHoldWindowMs: min, maxHoldWindowMs: min + span }));

test('R7: whatever is reported, whenever: no deadline lies beyond the windows, and what is prepared stays held', () => {
  const states = fc.constantFrom('RESERVED', 'PREPARING', 'READY' as const);
  const report = fc.record({
    milestone: fc.constantFrom(...MILESTONES.slice(0, 5)),
    occurredAt: fc.integer({ min: T0 - 30 * DAY_MS, max: T0 + 13 * DAY_MS }),
    at: fc.integer({ min: T0, max: T0 + 13 * DAY_MS }),
  });
  fc.assert(
    fc.property(
      windows,
      states,
      report,
      fc.integer({ min: 1, max: 100 * DAY_MS }),
      (window, state, one, deadlineMs) => {
        const rules: Rules = {
          ...FIRST_RULES,
          ...window,
          milestones: completeMilestoneRules([{ milestone: one.milestone, action: 'SET_DEADLINE', deadlineMs }]),
        };
        const before = { ...held, state } as Reservation;
        const next = leftAfter([one], rules, before);
        expect(next.state).toBe(state);
        if (next.version === before.version) return;
        expect(next.expireAt).toBeGreaterThanOrEqual(one.at + window.minHoldWindowMs);
        expect(next.expireAt).toBeLessThanOrEqual(one.at + window.maxHoldWindowMs);
      },
    ),
  );
});

test('milestones that only move the deadline lead to the same one in any order', () => {
  const times = MILESTONES.slice(0, 4).map((milestone, at) => ({ milestone, occurredAt: T0 + at * HOUR_MS }));
  const orders = fc.shuffledSubarray(times, { minLength: times.length });
  const rules = {
    ...RULES,
    milestones: RULES.milestones.filter(({ action }) => action === 'SET_DEADLINE'),
  };
  fc.assert(
    fc.property(orders, (order) => {
      const at = T0 + DAY_MS;
      expect(
        leftAfter(
          order.map((one) => ({ ...one, at })),
          rules,
        ).expireAt,
      ).toBe(leftAfter(times, rules).expireAt);
    }),
  );
});
