import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { siteChanges } from '../../adapters/nats/site-changes.ts';
import type { MILESTONES } from '../../src/domain/milestone-rules.ts';
import { promoteWaiting } from '../../src/domain/promotion.ts';
import { isLive, type Reservation } from '../../src/domain/reservation.ts';
import type { RecordedTransition, WorkingSet } from '../../src/domain/working-set.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { A_CAUSE, aLevel, DAY_MS, runs, SKUS, WAREHOUSES } from '../support/arbitraries.ts';
import { aRuleSet, aWorkingSet, CALL, decidingOn } from '../support/deciding.ts';
import { releasedOf, reservationOf } from '../support/outbox-rows.ts';
import { reserveInput } from '../support/test-service.ts';

const awaiting: Reservation = { ...reservationOf('EM-1', { quantity: 3 }), pickAwaits: 'RETURN_RECEIVED' };
const eventsOf = (...args: Parameters<typeof siteChanges>) => siteChanges(...args).map(({ event }) => event);

function later(reservation: Reservation, more: Partial<Reservation> = {}): Reservation {
  return { ...reservation, version: reservation.version + 1, ...more } as Reservation;
}

function asked(reservation: Reservation, more: Partial<Reservation> = {}): Reservation {
  const { pickAwaits: _, ...rest } = later(reservation, more);
  return rest as Reservation;
}

describe('P26: a warehouse whose pick awaits a milestone is told', () => {
  it('to hold what is reserved, and to pick it only once the milestone was reported', () => {
    expect(eventsOf('reserved', null, awaiting)).toEqual(['reservation-requested']);
    expect(siteChanges('changed', awaiting, asked(awaiting))).toEqual([
      { site: 'BER', event: 'pick-requested', lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 3 }] },
    ]);
  });

  it('the deadline that the milestone moved with the pick', () => {
    expect(eventsOf('extended', awaiting, asked(awaiting, { expireAt: awaiting.expireAt + DAY_MS }))).toEqual([
      'reservation-changed',
      'pick-requested',
    ]);
  });

  it('of no pick while some unit waits, and of none that is called off where none was asked for', () => {
    const waiting = later(awaiting, { state: 'WAITLISTED' } as Partial<Reservation>);
    expect(eventsOf('changed', waiting, asked(waiting))).toEqual([]);
    expect(eventsOf('reserved', waiting, later(awaiting))).toEqual([]);
    expect(eventsOf('reserved', asked(waiting), asked(awaiting))).toEqual(['pick-requested']);
    expect(eventsOf('released', awaiting, releasedOf(awaiting))).toEqual(['reservation-released']);
  });
});

interface Step {
  readonly command: 'reserve' | 'milestone' | 'swap' | 'transfer' | 'fulfil' | 'release' | 'receive';
  readonly sku: string;
  readonly quantity: number;
  readonly warehouse: string;
  readonly milestone: (typeof MILESTONES)[number];
  readonly waitlist: boolean;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  command: fc.constantFrom(
    'reserve',
    'reserve',
    'milestone',
    'milestone',
    'swap',
    'transfer',
    'fulfil',
    'release',
    'receive',
  ),
  sku: fc.constantFrom(...SKUS),
  quantity: fc.integer({ min: 1, max: 4 }),
  warehouse: fc.constantFrom(...WAREHOUSES),
  milestone: fc.constantFrom('APPROVED', 'RETURN_RECEIVED', 'RETURN_RECEIVED', 'INSPECTION_PASSED'),
  waitlist: fc.boolean(),
});

/** Sends one command about the only exchange, and serves the queue after it as a unit of work does. */
async function take(work: WorkingSet, step: Step, number: number): Promise<void> {
  const { command, sku, quantity, warehouse, milestone, waitlist } = step;
  const ids = { uuid: () => `r-${number}`, randomBytes: () => new Uint8Array(10).fill(number) };
  const deps = { unitOfWork: decidingOn(work), ids };
  const target = { by: 'exchange', id: 'x' } as const;
  const key = { requestId: `q-${number}`, contentHash: new Uint8Array(), target, etag: '' };
  const { lines } = reserveInput([{ sku, quantity }]);
  switch (command) {
    case 'reserve':
      await reserve(deps, [reserveInput([{ sku, quantity }], { exchangeId: 'x', orderId: 'o', waitlist })], CALL);
      break;
    case 'milestone':
      await reportMilestone(deps, { ...key, milestone, occurredAt: null, note: '' }, CALL);
      break;
    case 'swap':
      await swapReservation(deps, { ...key, lines, partial: false, waitlist }, CALL);
      break;
    case 'transfer':
      await transferReservation(deps, { ...key, toWarehouse: warehouse, lines: [] }, CALL);
      break;
    case 'fulfil':
      await fulfilReservation(deps, { ...key, lines: [{ lineNumber: 1, quantity: 1 }], close: false }, CALL);
      break;
    case 'release':
      await releaseReservation(deps, { ...key, reason: 'CANCELLED', note: '' }, CALL);
      break;
    case 'receive': {
      const level = work.pool(sku, warehouse);
      if (level !== null) work.move({ ...level, onHand: level.onHand + quantity }, 'RECEIVED', A_CAUSE);
    }
  }
  promoteWaiting(work, A_CAUSE);
}

/** Which sites have a pick to do after these changes. Throws where one is called off that was not asked for. */
function picksAfter(transitions: readonly RecordedTransition[]): Set<string> {
  const open = new Set<string>();
  for (const { kind, previous, next } of transitions) {
    for (const { site, event } of siteChanges(kind, previous, next)) {
      const name = `${next.reservationId} ${site}`;
      if (event === 'pick-requested') open.add(name);
      if (event === 'pick-cancelled' && !open.delete(name)) throw new Error(`${name} was called off without a pick`);
    }
  }
  return open;
}

it('P26: has a pick to do exactly for what it holds, nothing waiting, once the milestone was reported', async () => {
  const property = fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 14 }), async (steps) => {
    const pools = SKUS.flatMap((sku) => WAREHOUSES.map((warehouse) => aLevel({ sku, warehouse, onHand: 2 })));
    const work = aWorkingSet({ pools, ruleSet: aRuleSet({ pickOn: 'RETURN_RECEIVED' }) });
    let isReported = false;
    for (const [at, step] of steps.entries()) {
      await take(work, step, at + 1);
      isReported ||= step.command === 'milestone' && step.milestone === 'RETURN_RECEIVED';
      const open = picksAfter(work.transitions);
      const { latest } = work.exchange('x');
      const held =
        latest === null || !isLive(latest) || latest.state === 'WAITLISTED' || !isReported
          ? []
          : latest.lines.flatMap((line) =>
              line.allocations.filter((part) => part.reserved > 0).map((part) => part.warehouse),
            );
      const live = [...open].filter((name) => name.startsWith(`${latest?.reservationId} `));
      for (const site of new Set(held)) expect(live).toContain(`${latest?.reservationId} ${site}`);
      if (!isReported) expect(open.size).toBe(0);
    }
  });
  await fc.assert(property, runs(300));
});
