import { describe, expect, test } from 'vitest';
import { completeMilestoneRules, type Milestone } from '../../src/domain/milestone-rules.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import { type ReportMilestoneInput, reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { aLevel, aReservation, DAY_MS, T0 } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn } from '../support/deciding.ts';

const held = aReservation();
const BY_EXCHANGE = { by: 'exchange', id: held.exchangeId } as const;

function workWith(onHand = 10): WorkingSet {
  return aWorkingSet({ reservations: [held], pools: [aLevel({ onHand, reserved: 1 })] });
}

async function told(work: WorkingSet, milestone: Milestone, more: Partial<ReportMilestoneInput> = {}) {
  const key = { requestId: 'q', contentHash: new Uint8Array() };
  const input = { ...key, target: BY_EXCHANGE, milestone, occurredAt: null, note: '', ...more };
  const outcome = await reportMilestone({ unitOfWork: decidingOn(work) }, input, CALL);
  if (!outcome.ok) return outcome.refusal.reason;
  if (outcome.answer.kind !== 'milestone') throw new TypeError('a milestone was reported');
  return [outcome.answer.reservation?.state ?? 'none', outcome.answer.applied];
}

describe('P26: a milestone that ends the exchange', () => {
  test.each<[Milestone, string]>([
    ['COMPLETED', 'FULFILLED'],
    ['CANCELLED', 'RELEASED'],
    ['CONVERTED_TO_REFUND', 'RELEASED'],
  ])('%s resolves and closes it, once', async (milestone, state) => {
    const work = workWith();
    expect(await told(work, milestone)).toEqual([state, true]);
    expect(await told(work, milestone)).toEqual([state, false]);
    expect(work.exchanges.get(held.exchangeId).closedBy).toBe(milestone);
    expect(work.transitions).toHaveLength(1);
    expect(work.milestones.added).toMatchObject([{ milestone, applied: true, reservationId: held.reservationId }]);
  });

  test('may come before anything was reserved', async () => {
    const work = workWith();
    const target = { by: 'exchange', id: 'x-9' } as const;
    expect(await told(work, 'CANCELLED', { target })).toEqual(['none', true]);
    expect(await told(work, 'COMPLETED', { target })).toEqual(['none', false]);
    expect(work.exchanges.changed()).toEqual([{ exchangeId: 'x-9', reservationId: null, closedBy: 'CANCELLED' }]);
    expect(work.milestones.added).toMatchObject([
      { exchangeId: 'x-9', reservationId: null, applied: true },
      { exchangeId: 'x-9', reservationId: null, applied: false },
    ]);
  });

  test('that comes too late is kept and changes nothing', async () => {
    const work = workWith();
    await told(work, 'CANCELLED');
    expect(await told(work, 'COMPLETED')).toEqual(['RELEASED', false]);
    expect(work.milestones.added.map(({ milestone, applied }) => [milestone, applied])).toEqual([
      ['CANCELLED', true],
      ['COMPLETED', false],
    ]);
  });

  test('of an earlier reservation does not close the exchange of the one made since', async () => {
    const old = { ...held, reservationId: 'r-0', trackingId: 't-0', state: 'EXPIRED', resolvedAt: T0 } as const;
    const work = aWorkingSet({
      reservations: [{ ...old, releaseReason: 'EXPIRED' }, held],
      exchanges: [{ exchangeId: held.exchangeId, reservationId: held.reservationId, closedBy: null }],
      pools: [aLevel({ reserved: 1 })],
    });
    expect(await told(work, 'CANCELLED', { target: { by: 'tracking', id: 't-0' } })).toEqual(['EXPIRED', false]);
    expect(work.exchanges.changed()).toEqual([]);
  });

  test('cannot fulfil what a count has taken away; nothing is kept, so that it may be sent again', async () => {
    const work = workWith(0);
    expect(await told(work, 'COMPLETED')).toBe('NO_STOCK');
    expect([work.transitions, work.milestones.added, work.exchanges.changed()]).toEqual([[], [], []]);
  });
});

describe('another milestone', () => {
  test.each([
    { by: 'exchange', id: 'x-9' },
    { by: 'tracking', id: 't-9' },
    { by: 'reservation', id: 'r-9' },
  ] as const)('of nothing that was reserved is unknown, and kept where it names the exchange: %o', async (target) => {
    const work = workWith();
    expect(await told(work, 'LABEL_CREATED', { target })).toBe('UNKNOWN_RESERVATION');
    const kept = { exchangeId: 'x-9', reservationId: null, milestone: 'LABEL_CREATED', applied: false };
    expect(work.milestones.added).toMatchObject(target.by === 'exchange' ? [kept] : []);
    expect(work.exchanges.changed()).toEqual([]);
  });

  test('follows the rules the reservation was decided by, not those in force', async () => {
    const own = aRuleSet({
      version: held.ruleVersion,
      milestones: completeMilestoneRules([
        { milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: 5 * DAY_MS },
      ]),
    });
    const work = aWorkingSet({
      reservations: [held],
      pools: [aLevel({ reserved: 1 })],
      ruleSet: aRuleSet({ version: 2 }),
      earlierRules: [own],
    });
    expect(await told(work, 'LABEL_CREATED', { note: 'by post' })).toEqual(['RESERVED', true]);
    expect(work.transitions).toMatchObject([
      { next: { expireAt: T0 + 5 * DAY_MS, ruleVersion: 1 }, cause: { reason: 'LABEL_CREATED: by post' } },
    ]);
  });

  test('that is said to lie ahead counts from now', async () => {
    const work = workWith();
    expect(await told(work, 'APPROVED', { occurredAt: T0 + DAY_MS })).toEqual(['RESERVED', false]);
    expect(work.milestones.added).toMatchObject([{ milestone: 'APPROVED', occurredAt: T0 }]);
  });
});
