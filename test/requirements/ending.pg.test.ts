import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeMilestoneRules, type Milestone } from '../../src/domain/milestone-rules.ts';
import type { Outcome } from '../../src/ports.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { reportMilestone } from '../../src/use-cases/report-milestone.ts';
import { extendReservation } from '../../src/use-cases/resolve.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { saidBy } from '../support/deciding.ts';
import { putDraft } from '../support/rules.ts';
import { CALL, madeReservation, reserveInput, reserveOne, stockUp, type TestService } from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';
import { about, countsOf, fulfil, heardOf, held, line, numberOf, release } from './cases.ts';

const START_AT = Date.UTC(2030, 0, 1);
const HOLD_MS = 60_000;
const ON_HAND = 5;

let services: TwoServices;
let one: TestService;
let two: TestService;
let now = START_AT;

beforeAll(async () => {
  services = await openTwoServices('ending', ['FIRST'], ON_HAND);
  ({ one, two } = services);
  await services.setClock(now);
});

afterAll(() => services.close());

async function ownSku(): Promise<string> {
  const sku = `sku-${randomUUID()}`;
  await stockUp(one, [sku], ON_HAND);
  return sku;
}

async function pass(ms: number): Promise<void> {
  now += ms;
  await services.setClock(now);
}

function report(service: TestService, exchangeId: string, milestone: Milestone): Promise<Outcome> {
  return reportMilestone(service, { ...about(exchangeId), milestone, occurredAt: null, note: '' }, CALL);
}

async function sweep(service: TestService): Promise<void> {
  const { rows } = await service.database.pool.query<{ reservation_id: string }>(
    "select reservation_id from reservation where state = 'RESERVED' and expire_time <= ledger_now()",
  );
  const ids = rows.map((row) => row.reservation_id);
  await expireDue(service, ids, new AbortController().signal);
}

/** State, version and the transaction that wrote the reservation of an exchange last. */
async function rowOf(exchangeId: string) {
  const { rows } = await one.database.pool.query<{ state: string; version: number; xid: string }>(
    `select state, version, xmin::text as xid from reservation where exchange_id = $1 order by create_time desc limit 1`,
    [exchangeId],
  );
  return rows[0];
}

const ENDS: Readonly<Record<string, (service: TestService, exchangeId: string) => Promise<unknown>>> = {
  'a release': release,
  'a fulfilment': fulfil,
  'the milestone COMPLETED': (service, exchangeId) => report(service, exchangeId, 'COMPLETED'),
  'the milestone CANCELLED': (service, exchangeId) => report(service, exchangeId, 'CANCELLED'),
  'the milestone CONVERTED_TO_REFUND': (service, exchangeId) => report(service, exchangeId, 'CONVERTED_TO_REFUND'),
  'the deadline': async (service) => {
    await pass(HOLD_MS);
    await sweep(service);
  },
};

test.each(Object.keys(ENDS))('R6: %s frees what is held in the commit that ends the case', async (end) => {
  const sku = await ownSku();
  const input = reserveInput([], { lines: [line(sku, 2, 'W1')], holdWindowMs: HOLD_MS });
  const exchangeId = await held(one, input);
  await ENDS[end]?.(two, exchangeId);
  const { rows } = await one.database.pool.query<{ reserved: number; xid: string }>(
    `select reserved, xmin::text as xid from stock_pool where sku = $1 and warehouse = 'W1'`,
    [sku],
  );
  expect(rows).toEqual([{ reserved: 0, xid: (await rowOf(exchangeId))?.xid }]);
});

describe('R5: what has ended', () => {
  const again = Object.keys(ENDS).filter((end) => end !== 'the deadline');

  test.each(again)('by %s ends again without effect, with the outcome it had', async (end) => {
    const sku = await ownSku();
    const exchangeId = await held(one, reserveInput([], { lines: [line(sku, 2, 'W1')] }));
    await ENDS[end]?.(one, exchangeId);
    const after = [await rowOf(exchangeId), await countsOf(one, sku)];
    for (const service of [one, two, one]) {
      const outcome = ENDS[end]?.(service, exchangeId) as Promise<Outcome>;
      expect(await heardOf(outcome)).toMatch(/^(RELEASED|FULFILLED|milestone)$/);
    }
    expect([await rowOf(exchangeId), await countsOf(one, sku)]).toEqual(after);
    expect(after[0]).toMatchObject({ version: 2 });
    const events = `select count(*) from audit_event e join reservation using (reservation_id) where exchange_id = $1`;
    expect(await numberOf(one, events, [exchangeId])).toBe(2);
  });

  test('without ever having held anything is a success: no stock moves and nothing is announced', async () => {
    const rows = () =>
      numberOf(one, 'select (select count(*) from outbox) + (select count(*) from audit_event) as count');
    const before = await rows();
    expect(saidBy(await release(one, `never-${randomUUID()}`))).toBe('no reservation');
    for (const milestone of ['CANCELLED', 'COMPLETED', 'CONVERTED_TO_REFUND'] as const) {
      expect(saidBy(await report(two, `never-${randomUUID()}`, milestone))).toBe('milestone');
    }
    expect(await rows()).toBe(before);
  });
});

test('R8: after the deadline every call hears EXPIRED and when, revives nothing, and leaves the new owner alone', async () => {
  const sku = await ownSku();
  const all = [line(sku, ON_HAND, 'W1')];
  const exchangeId = await held(one, reserveInput([], { lines: all, holdWindowMs: HOLD_MS }));
  const deadline = new Date(now + HOLD_MS).toISOString();
  await pass(HOLD_MS);
  const expired = { ok: false, refusal: { reason: 'EXPIRED', metadata: { state: 'EXPIRED', resolve_time: deadline } } };
  expect(await fulfil(two, exchangeId)).toMatchObject(expired);
  const owner = await held(two, reserveInput([], { lines: all, holdWindowMs: 10 * HOLD_MS }));
  const before = [await rowOf(owner), await rowOf(exchangeId)];
  const extension = { ...about(exchangeId), expireAt: now + HOLD_MS };
  const swapping = { ...about(exchangeId), lines: [line(sku, 1, 'W2')], partial: false };
  const calls = [
    fulfil(one, exchangeId),
    extendReservation(one, extension, CALL),
    swapReservation(two, swapping, CALL),
  ];
  for (const call of calls) expect(await call).toMatchObject({ ok: false, refusal: { reason: 'EXPIRED' } });
  expect(saidBy(await release(two, exchangeId))).toBe('EXPIRED');
  expect([await rowOf(owner), await rowOf(exchangeId)]).toEqual(before);
  expect(before).toMatchObject([{ state: 'RESERVED' }, { state: 'EXPIRED' }]);
  expect(await countsOf(one, sku)).toEqual([
    [ON_HAND, ON_HAND],
    [ON_HAND, 0],
  ]);
});

test('R4: what is consumed never becomes live again, whatever is asked of it or of its exchange', async () => {
  const sku = await ownSku();
  const exchangeId = await held(one, reserveInput([], { lines: [line(sku, 2, 'W1')] }));
  expect(saidBy(await fulfil(two, exchangeId))).toBe('FULFILLED');
  const counts = await countsOf(one, sku);
  const extension = { ...about(exchangeId), expireAt: now + HOLD_MS };
  const again = reserveInput([], { exchangeId, lines: [line(sku, 1)], replaceExisting: true });
  expect(saidBy(await release(one, exchangeId))).toBe('ALREADY_FULFILLED');
  expect(saidBy(await extendReservation(one, extension, CALL))).toBe('ALREADY_FULFILLED');
  expect(saidBy(await reserveOne(two, again))).toBe('ALREADY_FULFILLED');
  const revive = "update reservation set state = 'RESERVED', resolve_time = null where exchange_id = $1";
  await expect(one.database.pool.query(revive, [exchangeId])).rejects.toThrow();
  expect([await rowOf(exchangeId), await countsOf(one, sku)]).toMatchObject([{ state: 'FULFILLED' }, counts]);
});

test('P26: whether a status releases what is held is what the rules of the case say', async () => {
  const sku = await ownSku();
  const reserved = async () => madeReservation(await reserveOne(one, reserveInput([], { lines: [line(sku, 1)] })));
  const kept = await reserved();
  const rule = { milestone: 'INSPECTION_FAILED', action: 'RELEASE', releaseReason: 'MANUAL' } as const;
  expect(await putDraft(two, 1, { milestones: completeMilestoneRules([rule]) })).toMatchObject({ ok: true });
  const released = await reserved();
  for (const { exchangeId } of [kept, released]) await report(one, exchangeId, 'INSPECTION_FAILED');
  expect([await rowOf(kept.exchangeId), await rowOf(released.exchangeId)]).toMatchObject([
    { state: 'RESERVED', version: 1 },
    { state: 'RELEASED', version: 2 },
  ]);
});
