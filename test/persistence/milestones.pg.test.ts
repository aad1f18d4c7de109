import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { completeMilestoneRules, type Milestone } from '../../src/domain/milestone-rules.ts';
import type { Target } from '../../src/domain/working-set.ts';
import type { Outcome } from '../../src/ports.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { type ReportMilestoneInput, reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { extendReservation } from '../../src/use-cases/resolve.ts';
import { DAY_MS } from '../support/arbitraries.ts';
import { putDraft } from '../support/rules.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const NOW = Date.UTC(2030, 0, 1);
const LABEL_RULE = { milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: 5 * DAY_MS } as const;
const SCAN_RULE = { milestone: 'CARRIER_SCANNED', action: 'SET_DEADLINE', deadlineMs: 20 * DAY_MS } as const;

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('milestones', ['A'], 500);
  ({ one, two } = services);
  await services.setClock(NOW);
});

afterEach(() => services.close());

async function reserved(exchangeId: string) {
  return madeReservation(await reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId })));
}

function report(
  service: TestService,
  target: Target,
  milestone: Milestone,
  more: Partial<ReportMilestoneInput> = {},
): Promise<Outcome> {
  const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
  return reportMilestone(service, { ...key, target, milestone, occurredAt: null, note: '', ...more }, CALL);
}

const byExchange = (id: string): Target => ({ by: 'exchange', id });

/** `state applied`, or the reason of a refusal. */
function said(outcome: Outcome): string {
  if (!outcome.ok) return outcome.refusal.reason;
  if (outcome.answer.kind !== 'milestone') throw new TypeError('a milestone was reported');
  return `${outcome.answer.reservation?.state ?? 'none'} ${outcome.answer.applied}`;
}

async function kept() {
  const { rows } = await one.database.pool.query(
    'select exchange_id, milestone, applied from milestone order by create_time, exchange_id, milestone',
  );
  return rows.map((row) => `${row.exchange_id} ${row.milestone} ${row.applied}`);
}

async function deadlineOf(reservationId: string): Promise<number> {
  const { rows } = await one.database.pool.query(
    'select extract(epoch from expire_time)::float8 * 1000 as at from reservation where reservation_id = $1',
    [reservationId],
  );
  return rows[0].at;
}

describe('P26: a milestone that ends the exchange', () => {
  test.each(['exchange', 'tracking', 'reservation'] as const)('may name it by %s', async (by) => {
    const { reservationId, trackingId, exchangeId } = await reserved('x');
    const id = { exchange: exchangeId, tracking: trackingId, reservation: reservationId }[by];
    expect(said(await report(two, { by, id }, 'CONVERTED_TO_REFUND'))).toBe('RELEASED true');
    expect(await reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'x' }))).toMatchObject({
      refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'exchange-closed' } },
    });
  });

  test('has one effect when two processes are told at once, and the others are kept', async () => {
    await reserved('x');
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        report(at % 2 === 0 ? one : two, byExchange('x'), at % 3 === 0 ? 'COMPLETED' : 'CANCELLED'),
      ),
    );
    expect(told.filter((outcome) => said(outcome).endsWith('true'))).toHaveLength(1);
    expect(await kept()).toHaveLength(2);
    const { rows } = await one.database.pool.query('select count(*)::int as n from audit_event');
    expect(rows).toEqual([{ n: 2 }]);
  });

  test('before anything was reserved closes the exchange; a Reserve of the same unit is refused', async () => {
    const outcomes = await Promise.all([
      report(one, byExchange('x'), 'CANCELLED'),
      reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'x' })),
      report(one, byExchange('x'), 'CANCELLED'),
      report(one, byExchange('y'), 'LABEL_CREATED'),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? said(outcome) : outcome.refusal.reason))).toEqual([
      'none true',
      'NOT_ELIGIBLE',
      'none false',
      'UNKNOWN_RESERVATION',
    ]);
    const { rows } = await one.database.pool.query('select exchange_id, reservation_id, closed_by from exchange');
    expect(rows).toEqual([{ exchange_id: 'x', reservation_id: null, closed_by: 'CANCELLED' }]);
    // What is refused for want of a reservation has happened all the same.
    expect(await kept()).toEqual(['x CANCELLED true', 'y LABEL_CREATED false']);
  });

  test('is answered as first answered when its request comes again', async () => {
    await reserved('x');
    const more = { requestId: 'again' };
    const first = await report(one, byExchange('x'), 'COMPLETED', more);
    const again = await report(two, byExchange('x'), 'COMPLETED', more);
    expect([said(first), said(again)]).toEqual(['FULFILLED true', 'FULFILLED true']);
    expect([first, again]).toMatchObject([{ replayed: false }, { replayed: true }]);
    const other = { ...more, contentHash: Buffer.alloc(32, 2) };
    expect(said(await report(one, byExchange('x'), 'CANCELLED', other))).toBe('REQUEST_ID_REUSED');
  });
});

describe('a milestone that moves the deadline', () => {
  beforeEach(async () => {
    await putDraft(one, 1, { milestones: completeMilestoneRules([LABEL_RULE, SCAN_RULE]) });
  });

  test('does so once, also when it comes late or out of order; every report is kept', async () => {
    const { reservationId } = await reserved('x');
    const at = (days: number) => ({ occurredAt: NOW - days * DAY_MS });
    expect(said(await report(one, byExchange('x'), 'CARRIER_SCANNED', at(1)))).toBe('RESERVED true');
    expect(said(await report(two, byExchange('x'), 'LABEL_CREATED', at(2)))).toBe('RESERVED false');
    expect(said(await report(two, byExchange('x'), 'CARRIER_SCANNED', at(0)))).toBe('RESERVED false');
    expect(await deadlineOf(reservationId)).toBe(NOW + 19 * DAY_MS);
    expect(await kept()).toEqual(['x CARRIER_SCANNED true', 'x LABEL_CREATED false']);
  });

  test('frees the units by the clock where no carrier scans by then', async () => {
    const { reservationId } = await reserved('x');
    await report(one, byExchange('x'), 'LABEL_CREATED');
    await services.setClock(NOW + 5 * DAY_MS);
    expect(said(await report(two, byExchange('x'), 'CARRIER_SCANNED'))).toBe('EXPIRED false');
    expect(await expireDue(one, [reservationId], AbortSignal.timeout(5_000))).toBe(1);
    expect(await kept()).toEqual(['x LABEL_CREATED true', 'x CARRIER_SCANNED false']);
  });

  test('follows the version the reservation was decided by, as an Extend does', async () => {
    const { reservationId } = await reserved('old');
    const draft = { milestones: completeMilestoneRules([]), maxHoldWindowMs: 15 * DAY_MS };
    await putDraft(one, 2, draft);
    await reserved('new');
    expect(said(await report(two, byExchange('old'), 'CARRIER_SCANNED'))).toBe('RESERVED true');
    expect(said(await report(two, byExchange('new'), 'CARRIER_SCANNED'))).toBe('RESERVED false');
    expect(await deadlineOf(reservationId)).toBe(NOW + 20 * DAY_MS);
    const extendTo = (exchangeId: string) => {
      const key = { requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' };
      return extendReservation(two, { ...key, target: byExchange(exchangeId), expireAt: NOW + 30 * DAY_MS }, CALL);
    };
    expect(await extendTo('old')).toMatchObject({ ok: true });
    expect(await extendTo('new')).toMatchObject({ refusal: { reason: 'RULE_LIMIT', metadata: { rule_version: '3' } } });
  });
});

test('what was reported is never changed', async () => {
  await report(one, byExchange('x'), 'CANCELLED');
  await expect(one.database.pool.query("update milestone set milestone = 'COMPLETED'")).rejects.toThrow('append-only');
  await expect(one.database.pool.query('truncate milestone')).rejects.toThrow('append-only');
});
