import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askPickOn, followMilestone, type ReachedMilestone } from '../../src/domain/milestone.ts';
import { completeMilestoneRules, MILESTONES, type Milestone } from '../../src/domain/milestone-rules.ts';
import { abortPick, confirmPick, shortPick, startPick } from '../../src/domain/picking.ts';
import { isPickAsked, type Reservation } from '../../src/domain/reservation.ts';
import { expire, extend, fulfil } from '../../src/domain/resolution.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import type { Transition } from '../../src/domain/transition.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { aLevel, aLine, anAllocation, aReservation, DAY_MS, runs, T0 } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn } from '../support/deciding.ts';
import { reserveInput } from '../support/test-service.ts';

const RULES: Rules = {
  ...FIRST_RULES,
  pickOn: 'RETURN_RECEIVED',
  milestones: completeMilestoneRules([
    { milestone: 'RETURN_RECEIVED', action: 'SET_DEADLINE', deadlineMs: 3 * DAY_MS },
    { milestone: 'INSPECTION_PASSED', action: 'SET_DEADLINE', deadlineMs: 5 * DAY_MS },
  ]),
};

const awaiting = aReservation({ expireAt: T0 + 14 * DAY_MS, pickAwaits: 'RETURN_RECEIVED' });

function next(transition: Transition): Reservation {
  if (transition.outcome !== 'changed') throw new TypeError(`not changed: ${JSON.stringify(transition)}`);
  return transition.next;
}

describe('P26: a pick that awaits a milestone', () => {
  test('is asked for with it, in the one change that moves the deadline too', () => {
    const report = { milestone: 'RETURN_RECEIVED', occurredAt: T0 } as const;
    const followed = followMilestone(awaiting, RULES, report, [], T0);
    expect(followed).toMatchObject({ kind: 'changed', next: { version: 2, expireAt: T0 + 3 * DAY_MS } });
    expect(next(followed)).not.toHaveProperty('pickAwaits');
    const alone = followMilestone(awaiting, FIRST_RULES, report, [], T0);
    expect(alone).toMatchObject({ kind: 'changed', next: { version: 2, expireAt: awaiting.expireAt } });
  });

  test('is asked for also where a later milestone has overtaken it, which moves no deadline any more', () => {
    const passed = { milestone: 'INSPECTION_PASSED', occurredAt: T0 } as const;
    const report = { milestone: 'RETURN_RECEIVED', occurredAt: T0 } as const;
    const followed = next(followMilestone(awaiting, RULES, report, [passed], T0));
    expect(followed).toEqual({ ...next(askPickOn(awaiting, 'RETURN_RECEIVED', T0)) });
    expect([followed.expireAt, isPickAsked(followed)]).toEqual([awaiting.expireAt, true]);
  });

  test('is asked for by that milestone alone, in whatever order and however often milestones come', () => {
    const property = fc.property(fc.array(fc.constantFrom(...MILESTONES), { maxLength: 12 }), (milestones) => {
      let reservation: Reservation = awaiting;
      const reached: ReachedMilestone[] = [];
      let asked = 0;
      for (const milestone of milestones) {
        const report = { milestone, occurredAt: T0 };
        const followed = followMilestone(reservation, RULES, report, reached, T0);
        reached.push(report);
        if (followed.outcome !== 'changed') continue;
        asked += Number(!isPickAsked(reservation) && isPickAsked(followed.next));
        reservation = followed.next;
      }
      const ends: readonly Milestone[] = ['COMPLETED', 'CANCELLED', 'CONVERTED_TO_REFUND'];
      const end = milestones.findIndex((milestone) => ends.includes(milestone));
      const heard = end < 0 ? milestones : milestones.slice(0, end);
      expect(asked).toBe(Number(heard.includes('RETURN_RECEIVED')));
      expect(reservation.pickAwaits === undefined).toBe(asked === 1);
    });
    fc.assert(property, runs());
  });

  test('is not asked for once the reservation is resolved, or its deadline has passed', () => {
    const report = { milestone: 'RETURN_RECEIVED', occurredAt: T0 } as const;
    const ended = next(expire(awaiting, awaiting.expireAt));
    for (const [reservation, now] of [
      [ended, awaiting.expireAt],
      [awaiting, awaiting.expireAt],
    ] as const) {
      expect(followMilestone(reservation, RULES, report, [], now)).toEqual({ outcome: 'unchanged' });
      expect(askPickOn(reservation, 'RETURN_RECEIVED', now)).toEqual({ outcome: 'unchanged' });
    }
  });

  test('cannot be begun by a warehouse, but what has left has left', () => {
    const refusal = { reason: 'NOT_ALLOWED', metadata: { state: 'RESERVED', pick_awaits: 'RETURN_RECEIVED' } };
    const lines = [{ lineNumber: 1, sku: 'A', quantity: 1 }];
    expect(startPick(awaiting, T0)).toMatchObject({ outcome: 'refused', refusal });
    expect(confirmPick(awaiting, 'W1', lines, T0)).toMatchObject({ outcome: 'refused', refusal });
    expect(shortPick(awaiting, 'W1', lines, T0)).toMatchObject({ outcome: 'refused', refusal });
    expect(abortPick(awaiting, 'W1', T0)).toEqual({ outcome: 'unchanged' });
    expect(fulfil(awaiting, [{ lineNumber: 1, quantity: 1, warehouse: 'W1' }], false, T0)).toMatchObject({
      kind: 'fulfilled',
      next: { state: 'FULFILLED' },
    });
  });

  test('goes on awaiting through every change but that', () => {
    expect(next(extend(awaiting, awaiting.expireAt + DAY_MS, RULES, T0)).pickAwaits).toBe('RETURN_RECEIVED');
    const two = aLine({ quantity: 2, allocations: [anAllocation({ reserved: 2 })] });
    const partly = fulfil({ ...awaiting, lines: [two] }, [{ lineNumber: 1, quantity: 1 }], false, T0);
    expect(next(partly)).toMatchObject({ state: 'RESERVED', pickAwaits: 'RETURN_RECEIVED' });
  });
});

const POOLS = ['A', 'B'].flatMap((sku) => ['W1', 'W2'].map((warehouse) => aLevel({ sku, warehouse })));

/** A working set under rules by which picks await RETURN_RECEIVED. */
function workWith(more: Parameters<typeof aWorkingSet>[0] = {}): WorkingSet {
  return aWorkingSet({ ruleSet: aRuleSet(RULES), pools: POOLS, ...more });
}

async function reserved(work: WorkingSet, more: Parameters<typeof reserveInput>[1] = {}): Promise<Reservation> {
  const deps = { unitOfWork: decidingOn(work), ids: { uuid: () => 'r-1', randomBytes: () => new Uint8Array(10) } };
  const [outcome] = await reserve(deps, [reserveInput([{ sku: 'A' }], { exchangeId: 'x', ...more })], CALL);
  if (!outcome?.ok || outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) {
    throw new TypeError(JSON.stringify(outcome));
  }
  return outcome.answer.reservation;
}

describe('P26: a Reserve by rules that name a milestone for picks', () => {
  test('awaits it, unless it was reported of the exchange before', async () => {
    expect((await reserved(workWith())).pickAwaits).toBe('RETURN_RECEIVED');
    const reported = new Map([['x', new Set<Milestone>(['APPROVED', 'RETURN_RECEIVED'])]]);
    expect(await reserved(workWith({ reported }))).not.toHaveProperty('pickAwaits');
    const others = new Map([['y', new Set<Milestone>(['RETURN_RECEIVED'])]]);
    expect((await reserved(workWith({ reported: others }))).pickAwaits).toBe('RETURN_RECEIVED');
  });

  test('awaits nothing where the rules in force name none, whatever other versions said', async () => {
    const work = workWith({ ruleSet: aRuleSet({ version: 3 }), earlierRules: [aRuleSet(RULES)], reported: null });
    expect(await reserved(work)).not.toHaveProperty('pickAwaits');
  });

  test('keeps awaiting through a swap and a transfer', async () => {
    const work = workWith();
    const { exchangeId } = await reserved(work);
    const target = { by: 'exchange', id: exchangeId } as const;
    const key = { requestId: 'q', contentHash: new Uint8Array(), target, etag: '' };
    const deps = { unitOfWork: decidingOn(work) };
    const { lines } = reserveInput([{ sku: 'B' }]);
    await swapReservation(deps, { ...key, lines, partial: false, waitlist: false }, CALL);
    await transferReservation(deps, { ...key, toWarehouse: 'W2', lines: [] }, CALL);
    expect(work.transitions.map(({ next: { pickAwaits } }) => pickAwaits)).toEqual([
      'RETURN_RECEIVED',
      'RETURN_RECEIVED',
      'RETURN_RECEIVED',
    ]);
  });
});
