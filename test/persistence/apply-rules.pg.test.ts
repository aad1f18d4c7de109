import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createPastCases } from '../../src/persistence/past-cases.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { type ApplyRulesInput, applyRules } from '../../src/use-cases/apply-rules.ts';
import { extendReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { applyWarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { DAY_MS, HOUR_MS, NO_FACTS } from '../support/arbitraries.ts';
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

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('apply_rules', ['A', 'B'], 500);
  ({ one, two } = services);
});

afterEach(() => services.close());

const SHORT = { defaultHoldWindowMs: 2 * DAY_MS };

async function reserved(service: TestService, sku = 'A', changes: Parameters<typeof reserveInput>[1] = {}) {
  return madeReservation(await reserveOne(service, reserveInput([{ sku }], changes)));
}

async function apply(service: TestService, more: Partial<ApplyRulesInput>) {
  const { pool } = service.database;
  const deps = { ...service, reservations: createReservationReader(pool), cases: createPastCases(pool) };
  const none = { reservationIds: [], states: [], sku: '', warehouse: '', createdBefore: null, size: 0, token: '' };
  const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
  const outcome = await applyRules(deps, { ...none, ...key, reason: 'peak is over', ...more }, CALL);
  if (!outcome.ok) return outcome.refusal.reason;
  if (outcome.answer.kind !== 'rules-applied') throw new TypeError('ApplyRules answers with what was applied');
  return { ...outcome.answer, replayed: outcome.replayed };
}

type Applied = Exclude<Awaited<ReturnType<typeof apply>>, string>;

async function applied(service: TestService, more: Partial<ApplyRulesInput>): Promise<Applied> {
  const answer = await apply(service, more);
  if (typeof answer === 'string') throw new TypeError(answer);
  return answer;
}

/** Each row of a reservation with the transaction that wrote it. */
async function rows(): Promise<Map<string, string>> {
  const result = await one.database.pool.query<{ id: string; row: string }>(
    `select reservation_id as id, r::text || xmin::text as row from reservation r`,
  );
  return new Map(result.rows.map(({ id, row }) => [id, row]));
}

const ids = (reservations: readonly Reservation[]) => reservations.map((one) => one.reservationId).sort();

describe('ApplyRules', () => {
  test('I18: new rules leave a hundred live reservations to the byte, and are applied to exactly those chosen', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, at) => reserved(one, at % 2 === 0 ? 'A' : 'B')));
    const before = await rows();
    expect(madeVersion(await putDraft(one, 1, SHORT))).toBe(2);
    expect(await rows()).toEqual(before);
    const chosen = all.filter((_, at) => at % 10 === 0);
    const answer = await applied(two, { reservationIds: ids(chosen) });
    expect(answer).toMatchObject({ checked: 10, ruleVersion: 2, left: [], remaining: 0, nextToken: '' });
    expect(ids(answer.changed)).toEqual(ids(chosen));
    const after = await rows();
    const differ = [...after].filter(([id, row]) => before.get(id) !== row).map(([id]) => id);
    expect(differ.sort()).toEqual(ids(chosen));
    for (const { reservationId, version, ruleVersion, expireAt, createdAt } of answer.changed) {
      expect([version, ruleVersion, expireAt - createdAt]).toEqual([2, 2, 2 * DAY_MS]);
      const { rows: events } = await one.database.pool.query(
        `select kind, actor, convert_from(body, 'UTF8') as text from audit_event where reservation_id = $1 and version = 2`,
        [reservationId],
      );
      expect(events).toEqual([
        { kind: 'changed', actor: CALL.caller.principal, text: expect.stringContaining('"peak is over"') },
      ]);
    }
  });

  test('R10: again with the same request id gives the first answer, from any process, and changes nothing', async () => {
    const { reservationId } = await reserved(one);
    await putDraft(one, 1, SHORT);
    const key = { requestId: 'once', reservationIds: [reservationId] };
    const both = await Promise.all([applied(one, key), applied(two, key)]);
    expect(both.map((answer) => answer.replayed).sort()).toEqual([false, true]);
    await putDraft(one, 2, { defaultHoldWindowMs: 3 * DAY_MS });
    const again = await applied(two, key);
    expect(again).toEqual({ ...both[0], replayed: true });
    expect(await apply(one, { ...key, contentHash: Buffer.alloc(32, 2) })).toBe('REQUEST_ID_REUSED');
  });

  test('by filters goes page by page over what is live, and says how much is left', async () => {
    const wanted = await Promise.all(Array.from({ length: 7 }, () => reserved(one, 'B')));
    await reserved(one, 'A');
    await putDraft(one, 1, SHORT);
    const changed: Reservation[] = [];
    const remaining: number[] = [];
    let token = '';
    do {
      const page = await applied(one, { sku: 'B', size: 3, token });
      changed.push(...page.changed);
      remaining.push(page.remaining);
      token = page.nextToken;
    } while (token !== '');
    expect(ids(changed)).toEqual(ids(wanted));
    expect(remaining).toEqual([4, 1, 0]);
    expect(await applied(one, { states: ['FULFILLED'] })).toMatchObject({ checked: 0, changed: [] });
    expect(await applied(one, { createdBefore: 1 })).toMatchObject({ checked: 0, changed: [] });
  });

  test('tells what it leaves as it is, and why; nothing is released', async () => {
    const plain = await reserved(one);
    const gold = await reserved(one, 'A', { facts: { ...NO_FACTS, customerTier: 'GOLD' } });
    const begun = await reserved(one, 'A', { facts: { ...NO_FACTS, customerTier: 'GOLD' } });
    const ended = await reserved(one);
    const loyal = await reserved(one, 'A', { facts: { ...NO_FACTS, customerTier: 'GOLD', attributes: { a: 'b' } } });
    const target = { by: 'reservation', id: ended.reservationId } as const;
    const key = { requestId: 'end', contentHash: CONTENT_HASH };
    await releaseReservation(one, { ...key, target, etag: '', reason: 'CANCELLED', note: '' }, CALL);
    const message = {
      wms: 'sim',
      messageId: randomUUID(),
      contentHash: CONTENT_HASH,
      warehouse: 'W1',
      occurredAt: Date.now(),
      trace: null,
      event: 'pick-started' as const,
      trackingId: begun.trackingId,
      lines: [],
      code: '',
    };
    const begins = await applyWarehouseMessage(one, message, AbortSignal.timeout(5_000));
    expect(begins).toMatchObject({ verdict: { kind: 'ACCEPTED' } });
    await one.database.pool.query('delete from request_fact');
    const rule = (name: string, expression: string) => ({ name, expression, customerMessage: '', staffMessage: '' });
    const eligibility = [rule('gold', 'facts.customer_tier == "GOLD"'), rule('a', '!("a" in facts.attributes)')];
    await putDraft(one, 1, { ...SHORT, eligibility });
    const all = [plain, gold, begun, ended, loyal];
    const answer = await applied(two, { reservationIds: ids(all) });
    expect(answer.checked).toBe(5);
    expect(ids(answer.changed)).toEqual([gold.reservationId]);
    const left = Object.fromEntries(answer.left.map((one) => [one.trackingId, one.refusal?.reason ?? one.left]));
    expect(left).toEqual({
      [plain.trackingId]: 'NOT_ELIGIBLE',
      [begun.trackingId]: 'BEING_PICKED',
      [ended.trackingId]: 'ALREADY_RELEASED',
      [loyal.trackingId]: 'attributes is kept no more',
    });
  });

  test('of a reservation nobody knows is refused, and changes nothing', async () => {
    const { reservationId } = await reserved(one);
    await putDraft(one, 1, SHORT);
    const before = await rows();
    expect(await apply(one, { reservationIds: [reservationId, randomUUID()] })).toBe('UNKNOWN_RESERVATION');
    expect(await apply(one, { reservationIds: ['none'] })).toBe('UNKNOWN_RESERVATION');
    expect(await rows()).toEqual(before);
  });

  test('is followed by what comes later: Extend is held against the rules that were applied', async () => {
    const { reservationId, createdAt } = await reserved(one);
    await putDraft(one, 1, { ...SHORT, maxHoldWindowMs: 3 * DAY_MS });
    await applied(one, { reservationIds: [reservationId] });
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
    const target = { by: 'reservation', id: reservationId } as const;
    const extended = await extendReservation(one, { ...key, target, etag: '', expireAt: createdAt + 5 * DAY_MS }, CALL);
    expect(extended).toMatchObject({ ok: false, refusal: { reason: 'RULE_LIMIT', metadata: { rule_version: '2' } } });
  });

  test('five hundred at once in one commit, while others reserve', async () => {
    const inputs = Array.from({ length: 500 }, (_, at) => reserved(one, at % 2 === 0 ? 'A' : 'B'));
    await Promise.all(inputs);
    await putDraft(one, 1, SHORT);
    const [answer] = await Promise.all([
      applied(one, { states: ['RESERVED'] }),
      ...Array.from({ length: 20 }, () => reserved(two)),
    ]);
    expect(answer.changed).toHaveLength(500);
    expect(new Set(answer.changed.map((one) => one.expireAt - one.createdAt))).toEqual(new Set([2 * DAY_MS]));
    expect(answer.changed.every((one) => one.expireAt > Date.now() + HOUR_MS)).toBe(true);
  });

  test('by two processes at once, while others release and extend, applies a version to each at most once', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, (_, at) => reserved(one, at % 2 === 0 ? 'A' : 'B')));
    await putDraft(one, 1, SHORT);
    const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' });
    const target = (at: number) => ({ by: 'reservation', id: all[at]?.reservationId ?? '' }) as const;
    const answers = await Promise.all([
      ...[one, two, one, two].map((service) => applied(service, { reservationIds: ids(all) })),
      ...[0, 1, 2, 3, 4].map((at) =>
        releaseReservation(two, { ...key(), target: target(at), reason: 'CANCELLED', note: '' }, CALL),
      ),
      ...[5, 6, 7, 8, 9].map((at) =>
        extendReservation(two, { ...key(), target: target(at), expireAt: Date.now() + 30 * DAY_MS }, CALL),
      ),
    ]);
    const { rows: told } = await one.database.pool.query<{ id: string; times: number }>(
      `select reservation_id as id, count(*)::int as times from audit_event
        where position('"peak is over"' in convert_from(body, 'UTF8')) > 0 group by 1`,
    );
    expect(told.every(({ times }) => times === 1)).toBe(true);
    const changed = answers.flatMap((answer) => ('changed' in answer ? ids(answer.changed) : []));
    expect(changed.sort()).toEqual(told.map(({ id }) => id).sort());
    const { rows: live } = await one.database.pool.query<{ version: number }>(
      'select rule_version::int as version from reservation where resolve_time is null',
    );
    expect(live.map((row) => row.version)).toEqual(Array.from({ length: 35 }, () => 2));
  });
});
