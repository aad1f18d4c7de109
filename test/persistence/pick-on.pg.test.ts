import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { siteChanges } from '../../adapters/nats/site-changes.ts';
import { MILESTONES, type Milestone } from '../../src/domain/milestone-rules.ts';
import type { Target } from '../../src/domain/working-set.ts';
import { createPastCases } from '../../src/persistence/past-cases.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import type { Outcome } from '../../src/ports.ts';
import { applyRules } from '../../src/use-cases/apply-rules.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { receiveStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { applyWarehouseMessage, type PickEvent } from '../../src/use-cases/warehouse-message.ts';
import { madeVersion, putDraft } from '../support/rules.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const PICK_ON = 'RETURN_RECEIVED';

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('pick_on', ['A', 'B'], 50);
  ({ one, two } = services);
  expect(madeVersion(await putDraft(one, 1, { pickOn: PICK_ON }))).toBe(2);
});

// Expects the ledger to be without drift.
afterEach(() => services.close());

const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });
const byExchange = (id: string): Target => ({ by: 'exchange', id });

async function reserved(exchangeId: string, changes: Parameters<typeof reserveInput>[1] = {}, service = one) {
  return madeReservation(await reserveOne(service, reserveInput([{ sku: 'A' }], { exchangeId, ...changes })));
}

function report(target: Target, milestone: Milestone, service = one): Promise<Outcome> {
  return reportMilestone(service, { ...key(), target, milestone, occurredAt: null, note: '' }, CALL);
}

/** Whether something followed, or why it was refused. */
function said(outcome: Outcome): boolean | string {
  if (!outcome.ok) return outcome.refusal.reason;
  if (outcome.answer.kind !== 'milestone') throw new TypeError('a milestone was reported');
  return outcome.answer.applied;
}

/** What warehouses are told of an exchange, by what both services committed, in order. */
function told(exchangeId: string): string[] {
  return [...one.committed, ...two.committed]
    .filter(({ next }) => next.exchangeId === exchangeId)
    .sort((a, b) => a.next.createdAt - b.next.createdAt || a.next.version - b.next.version)
    .flatMap(({ kind, previous, next }) => siteChanges(kind, previous, next).map(({ event }) => event));
}

const picks = (exchangeId: string) => told(exchangeId).filter((event) => event.startsWith('pick-'));

async function stored(exchangeId: string) {
  return (await createReservationReader(one.database.pool).find(byExchange(exchangeId)))?.pickAwaits ?? null;
}

async function deliver(trackingId: string, event: PickEvent) {
  const message = { wms: 'sim', messageId: randomUUID(), contentHash: CONTENT_HASH, warehouse: 'W1', trace: null };
  const occurredAt = Date.now();
  const more = { event, trackingId, lines: [], code: '', occurredAt };
  const answer = await applyWarehouseMessage(one, { ...message, ...more }, AbortSignal.timeout(5_000));
  if ('refusal' in answer) throw new TypeError(answer.refusal.message);
  return answer.verdict;
}

describe('P26: a pick that awaits RETURN_RECEIVED', () => {
  test('is asked for with it, once, whichever process hears of it, and is stored as asked for', async () => {
    const { trackingId, version, pickAwaits } = await reserved('x');
    expect([pickAwaits, await stored('x'), told('x')]).toEqual([PICK_ON, PICK_ON, ['reservation-requested']]);
    expect(said(await report(byExchange('x'), 'CARRIER_SCANNED'))).toBe(false);
    const reports = Array.from({ length: 8 }, (_, at) => report(byExchange('x'), PICK_ON, at % 2 === 0 ? one : two));
    expect((await Promise.all(reports)).map(said).filter((applied) => applied)).toHaveLength(1);
    expect([await stored('x'), picks('x')]).toEqual([null, ['pick-requested']]);
    const after = await createReservationReader(one.database.pool).find({ by: 'tracking', id: trackingId });
    expect(after).toMatchObject({ state: 'RESERVED', version: version + 1 });
    expect(await deliver(trackingId, 'pick-started')).toMatchObject({ kind: 'ACCEPTED' });
  });

  test('is asked for at the Reserve where the milestone came before anything was reserved', async () => {
    expect(said(await report(byExchange('x'), PICK_ON, two))).toBe('UNKNOWN_RESERVATION');
    expect(said(await report(byExchange('x'), PICK_ON, two))).toBe('UNKNOWN_RESERVATION');
    expect(await reserved('x')).not.toHaveProperty('pickAwaits');
    expect(told('x')).toEqual(['reservation-requested', 'pick-requested']);
    expect(await reserved('y')).toMatchObject({ pickAwaits: PICK_ON });
  });

  test('is asked for at the Reserve that follows its milestone in one unit of work', async () => {
    const [early, made, other] = await Promise.all([
      report(byExchange('x'), PICK_ON),
      reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'x' })),
      reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'y' })),
    ]);
    expect(said(early)).toBe('UNKNOWN_RESERVATION');
    expect(madeReservation(made)).not.toHaveProperty('pickAwaits');
    expect(madeReservation(other)).toMatchObject({ pickAwaits: PICK_ON });
  });

  test('is asked for by what was reported of an earlier reservation of the exchange, before or after', async () => {
    const first = await reserved('x');
    await releaseReservation(one, { ...key(), target: byExchange('x'), reason: 'CANCELLED', note: '', etag: '' }, CALL);
    expect(await reserved('x')).toMatchObject({ pickAwaits: PICK_ON });
    // It is the old one's tracking id that the parcel bears.
    expect(said(await report({ by: 'tracking', id: first.trackingId }, PICK_ON, two))).toBe(true);
    expect(await stored('x')).toBeNull();
    await releaseReservation(one, { ...key(), target: byExchange('x'), reason: 'CANCELLED', note: '', etag: '' }, CALL);
    expect(await reserved('x')).not.toHaveProperty('pickAwaits');
  });

  test('is never begun before: the warehouse is answered NOT_ALLOWED, and what it ships has left', async () => {
    const { trackingId } = await reserved('x');
    for (const event of ['pick-started', 'pick-confirmed', 'pick-shorted'] as const) {
      expect(await deliver(trackingId, event)).toMatchObject({ kind: 'REJECTED', reason: 'NOT_ALLOWED' });
    }
    expect(await deliver(trackingId, 'pick-aborted')).toMatchObject({ kind: 'IGNORED' });
    expect(await deliver(trackingId, 'shipment-confirmed')).toMatchObject({ kind: 'ACCEPTED' });
    const after = await createReservationReader(one.database.pool).find(byExchange('x'));
    expect(after).toMatchObject({ state: 'FULFILLED', lines: [{ allocations: [{ fulfilled: 1 }] }] });
    expect(picks('x')).toEqual([]);
  });

  test('goes through a swap without being asked for, and is called off only where it was', async () => {
    await reserved('x');
    const { lines } = reserveInput([{ sku: 'B', quantity: 2 }]);
    const swapTo = () =>
      swapReservation(
        one,
        { ...key(), target: byExchange('x'), etag: '', lines, partial: false, waitlist: false },
        CALL,
      );
    expect(madeReservation(await swapTo())).toMatchObject({ pickAwaits: PICK_ON });
    expect(picks('x')).toEqual([]);
    await report(byExchange('x'), PICK_ON);
    await swapTo();
    await releaseReservation(one, { ...key(), target: byExchange('x'), reason: 'MANUAL', note: '', etag: '' }, CALL);
    expect(picks('x')).toEqual(['pick-requested', 'pick-cancelled', 'pick-requested', 'pick-cancelled']);
  });

  test('R19: what waits asks for no pick, whether the milestone comes before or after the promotion', async () => {
    for (const exchangeId of ['before', 'after']) {
      const lines = reserveInput([{ sku: exchangeId === 'before' ? 'A' : 'B', quantity: 101 }]).lines;
      expect(await reserved(exchangeId, { lines, waitlist: true })).toMatchObject({ state: 'WAITLISTED' });
    }
    expect(said(await report(byExchange('before'), PICK_ON))).toBe(true);
    const receipts = ['A', 'B'].map((sku) => ({ sku, warehouse: 'W1', delta: { onHand: 1 } }));
    await receiveStock(one, { ...key(), reason: 'delivery', receipts }, CALL);
    expect(await stored('after')).toBe(PICK_ON);
    expect([picks('before'), picks('after')]).toEqual([['pick-requested', 'pick-requested'], []]);
    expect(said(await report(byExchange('after'), PICK_ON, two))).toBe(true);
    expect(picks('after')).toEqual(['pick-requested', 'pick-requested']);
  });

  test('of many exchanges is asked for at once or awaits, as each was reported, in one batch', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => `x${at}`);
    await Promise.all(ids.filter((_, at) => at % 3 === 0).map((id) => report(byExchange(id), PICK_ON)));
    const made = await Promise.all(ids.map((id, at) => reserved(id, {}, at % 2 === 0 ? one : two)));
    expect(made.map(({ pickAwaits }) => pickAwaits === undefined)).toEqual(ids.map((_, at) => at % 3 === 0));
    await Promise.all(ids.map((id, at) => report(byExchange(id), PICK_ON, at % 2 === 0 ? two : one)));
    expect(ids.map((id) => picks(id))).toEqual(ids.map(() => ['pick-requested']));
  });
});

describe('P26: rules of another version', () => {
  test('leave what is held to its own, and are followed by what comes after them in the same unit', async () => {
    await reserved('old');
    const [put, made] = await Promise.all([
      putDraft(one, 2, { pickOn: null }),
      reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'new' })),
    ]);
    expect(madeVersion(put)).toBe(3);
    const { ruleVersion, pickAwaits } = madeReservation(made);
    expect(pickAwaits).toBe(ruleVersion === 2 ? PICK_ON : undefined);
    const [again, next] = await Promise.all([
      putDraft(one, 3, { pickOn: 'APPROVED' }),
      reserveOne(one, reserveInput([{ sku: 'A' }], { exchangeId: 'newer' })),
    ]);
    expect(madeVersion(again)).toBe(4);
    const newer = madeReservation(next);
    expect(newer.pickAwaits).toBe(newer.ruleVersion === 4 ? 'APPROVED' : undefined);
    expect(said(await report(byExchange('old'), 'APPROVED'))).toBe(false);
    expect(said(await report(byExchange('old'), PICK_ON))).toBe(true);
  });

  async function apply(exchangeId: string) {
    const { pool } = one.database;
    const reservations = createReservationReader(pool);
    const found = await reservations.find(byExchange(exchangeId));
    const none = { states: [], sku: '', warehouse: '', createdBefore: null, size: 0, token: '', reason: 'applied' };
    const deps = { ...one, reservations, cases: createPastCases(pool) };
    const input = { ...none, ...key(), reservationIds: [found?.reservationId ?? ''] };
    expect(await applyRules(deps, input, CALL)).toMatchObject({ ok: true, answer: { changed: [{ exchangeId }] } });
  }

  test('applied, they say what a pick awaits that was not asked for; what was asked for stays asked for', async () => {
    for (const exchangeId of ['asked', 'reported', 'awaiting']) await reserved(exchangeId);
    await report(byExchange('asked'), PICK_ON);
    await report(byExchange('reported'), 'APPROVED');
    await putDraft(one, 2, { pickOn: 'APPROVED' });
    for (const exchangeId of ['asked', 'reported', 'awaiting']) await apply(exchangeId);
    expect(await Promise.all(['asked', 'reported', 'awaiting'].map(stored))).toEqual([null, null, 'APPROVED']);
    expect(['asked', 'reported', 'awaiting'].map(picks)).toEqual([['pick-requested'], ['pick-requested'], []]);
    await putDraft(one, 3, { pickOn: null });
    await apply('awaiting');
    expect(picks('awaiting')).toEqual(['pick-requested']);
  });
});

test('the database refuses a milestone that nobody knows, and a pick that was begun without being asked for', async () => {
  const { reservationId } = await reserved('x');
  const set = (change: string) =>
    one.database.pool.query(`update reservation set version = version + 1, ${change} where reservation_id = $1`, [
      reservationId,
    ]);
  await expect(set("pick_awaits = 'LOST'")).rejects.toMatchObject({ constraint: 'reservation_pick_awaits' });
  await expect(set("state = 'PREPARING'")).rejects.toMatchObject({ constraint: 'reservation_pick_awaits' });
  expect(MILESTONES).toContain(PICK_ON);
});
