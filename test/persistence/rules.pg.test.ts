import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRulesReader } from '../../src/persistence/rules-reader.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { DAY_MS, HOUR_MS, NO_FACTS } from '../support/arbitraries.ts';
import { DRAFT, madeVersion, putDraft } from '../support/rules.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const T0 = Date.UTC(2030, 0, 1);

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('rules', ['A'], 200);
  ({ one, two } = services);
});

afterEach(() => services.close());

const rulesOf = (service: TestService) => createRulesReader(service.database.pool, () => performance.now());

async function reserved(service: TestService) {
  return madeReservation(await reserveOne(service, reserveInput([{ sku: 'A' }])));
}

async function versions(): Promise<unknown[]> {
  const { rows } = await one.database.pool.query(
    'select version::int, actor, reason from rule_version order by version',
  );
  return rows;
}

describe('a new version', () => {
  test('is what the next unit of another process decides by, and who made it is kept', async () => {
    expect(await reserved(two)).toMatchObject({ ruleVersion: 1 });
    expect(madeVersion(await putDraft(one, 1, { defaultHoldWindowMs: 2 * HOUR_MS, reason: 'peak' }))).toBe(2);
    const next = await reserved(two);
    expect(next).toMatchObject({ ruleVersion: 2, expireAt: next.createdAt + 2 * HOUR_MS });
    expect(await rulesOf(two).current()).toMatchObject({
      version: 2,
      reason: 'peak',
      defaultHoldWindowMs: 2 * HOUR_MS,
    });
    expect(await versions()).toEqual([
      { version: 1, actor: 'earmark', reason: 'first rules' },
      { version: 2, actor: CALL.caller.principal, reason: 'peak' },
    ]);
  });

  test('put in the same unit is what the commands after it are decided by, and those before are not', async () => {
    const ask = () => reserveOne(one, reserveInput([{ sku: 'A' }]));
    const outcomes = await Promise.all([ask(), putDraft(one, 1, { eligibility: [], maxUnits: 7 }), ask()]);
    const told = outcomes.map((outcome) =>
      outcome.ok && outcome.answer.kind === 'reservation' ? outcome.answer.reservation?.ruleVersion : 'rules',
    );
    expect(told).toEqual([1, 'rules', 2]);
  });

  test('with an expression is asked by other processes as the maker meant it, and names its rule', async () => {
    const rule = {
      name: 'members-only',
      expression: 'facts.customer_tier in ["GOLD", "SILVER"] && lines.all(line, line.quantity < 3)',
      customerMessage: 'Please join first.',
      staffMessage: 'no member, or more than two of one item',
    };
    const broken = { ...rule, name: 'campaign', expression: 'facts.attributes["campaign"] != "none"' };
    expect(madeVersion(await putDraft(one, 1, { eligibility: [rule, broken] }))).toBe(2);
    const ask = (facts: object, quantity = 1) =>
      reserveOne(two, reserveInput([{ sku: 'A', quantity }], { facts: { ...NO_FACTS, ...facts } }));
    const gold = { customerTier: 'GOLD', attributes: { campaign: 'spring' } };
    expect(await ask(gold)).toMatchObject({ ok: true, answer: { reservation: { ruleVersion: 2 } } });
    for (const refused of [await ask({}), await ask(gold, 3)]) {
      const metadata = { rule: 'members-only', rule_version: '2', customer_message: 'Please join first.' };
      expect(refused).toMatchObject({ ok: false, refusal: { reason: 'NOT_ELIGIBLE', metadata } });
    }
    expect(await ask({ customerTier: 'GOLD' })).toMatchObject({
      refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'campaign', failure: expect.any(String) } },
    });
  });

  test('leaves a hundred live reservations as they are, to the byte', async () => {
    await Promise.all(Array.from({ length: 100 }, () => reserved(one)));
    const picture = async () => {
      const tables = ['reservation', 'allocation', 'audit_event', 'stock_pool', 'outbox', 'exchange', 'order_line'];
      const read = tables.map(async (table) => {
        const text = `select t::text as row, xmin::text as xmin from ${table} t order by t::text`;
        return (await one.database.pool.query(text)).rows;
      });
      return await Promise.all(read);
    };
    const before = await picture();
    expect(before[0]).toHaveLength(100);
    const tight = { defaultHoldWindowMs: 1_000, maxHoldWindowMs: 2_000, maxLines: 1, maxUnits: 1, splitAllowed: false };
    expect(madeVersion(await putDraft(one, 1, { ...tight, channelWarehouses: { web: [] } }))).toBe(2);
    expect(await picture()).toEqual(before);
  });

  test('that is to hold later leaves the present until then, by the clock of the database', async () => {
    await services.setClock(T0);
    expect(madeVersion(await putDraft(one, 1, { effectiveAt: T0 + DAY_MS, reason: 'tomorrow' }))).toBe(2);
    await services.setClock(T0 + DAY_MS - 1);
    expect([(await reserved(two)).ruleVersion, (await rulesOf(two).current()).version]).toEqual([1, 1]);
    await services.setClock(T0 + DAY_MS);
    expect([(await reserved(two)).ruleVersion, (await rulesOf(two).current()).version]).toEqual([2, 2]);
  });

  test('takes the place of one that was to hold later', async () => {
    await services.setClock(T0);
    await putDraft(one, 1, { effectiveAt: T0 + DAY_MS });
    expect(madeVersion(await putDraft(one, 1))).toBe('ETAG_MISMATCH');
    expect(madeVersion(await putDraft(one, 2))).toBe(3);
    await services.setClock(T0 + 2 * DAY_MS);
    expect((await reserved(two)).ruleVersion).toBe(3);
  });
});

describe('putting rules', () => {
  test('again with the same request id gives the first answer, from any process, and makes nothing', async () => {
    const more = { requestId: 'once' };
    const first = await putDraft(one, 1, { maxLines: 9 }, more);
    await putDraft(one, 2);
    const again = await putDraft(two, 1, { maxLines: 9 }, more);
    expect(first).toMatchObject({ ok: true, replayed: false });
    expect(again).toEqual({ ...first, replayed: true });
    const other = await putDraft(two, 1, {}, { ...more, contentHash: Buffer.alloc(32, 2) });
    expect(other).toMatchObject({ ok: false, refusal: { reason: 'REQUEST_ID_REUSED' } });
    expect(await versions()).toHaveLength(3);
  });

  test('from a version that is not the newest changes nothing, and the request id may be used again', async () => {
    await putDraft(one, 1);
    const more = { requestId: 'stale' };
    expect(madeVersion(await putDraft(two, 1, {}, more))).toBe('ETAG_MISMATCH');
    expect(await versions()).toHaveLength(2);
    expect(madeVersion(await putDraft(two, 2, {}, more))).toBe(3);
  });

  test('from one version by many in two processes at once succeeds for exactly one', async () => {
    for (let from = 1; from <= 5; from += 1) {
      const racers = Array.from({ length: 12 }, (_, at) => putDraft(at % 2 === 0 ? one : two, from));
      const made = (await Promise.all(racers)).map(madeVersion);
      expect(made.filter((version) => version === from + 1)).toHaveLength(1);
      expect(made.filter((version) => version === 'ETAG_MISMATCH')).toHaveLength(11);
    }
    expect(await versions()).toHaveLength(6);
    expect([...one.failures, ...two.failures]).toEqual([]);
  });

  test('while others reserve and release breaks nothing', async () => {
    const work = Array.from({ length: 60 }, async (_, at) => {
      const service = at % 2 === 0 ? one : two;
      const { reservationId } = await reserved(service);
      const target = { by: 'reservation' as const, id: reservationId };
      const key = { requestId: `r-${at}`, contentHash: CONTENT_HASH, etag: '', reason: 'MANUAL' as const, note: '' };
      return await releaseReservation(service, { ...key, target }, CALL);
    });
    for (let from = 1; from <= 10; from += 1) {
      expect(madeVersion(await putDraft(from % 2 === 0 ? one : two, from))).toBe(from + 1);
    }
    expect((await Promise.all(work)).every((outcome) => outcome.ok)).toBe(true);
  });
});

describe('the list of versions', () => {
  test('is newest first, in pages, each with the version before it', async () => {
    for (let from = 1; from <= 4; from += 1) await putDraft(one, from, { maxLines: from });
    const reader = rulesOf(two);
    const first = await reader.list({ size: 2, token: '' });
    const second = await reader.list({ size: 2, token: first.nextPageToken });
    const third = await reader.list({ size: 2, token: second.nextPageToken });
    const told = [first, second, third].map(({ rows }) =>
      rows.map((row) => [row.rules.version, row.previous?.version]),
    );
    expect(told).toEqual([
      [
        [5, 4],
        [4, 3],
      ],
      [
        [3, 2],
        [2, 1],
      ],
      [[1, undefined]],
    ]);
    expect(third.nextPageToken).toBe('');
    expect(first.rows[0]).toMatchObject({
      author: CALL.caller.principal,
      rules: { maxLines: 4 },
      previous: { maxLines: 3 },
    });
  });

  test('refuses a token that it has not made', async () => {
    await expect(rulesOf(one).list({ size: 2, token: 'nonsense' })).rejects.toThrow();
  });

  test('finds one version, and none where there is none', async () => {
    expect(await rulesOf(one).version(1n)).toMatchObject({ version: 1, eligibility: DRAFT.eligibility });
    expect(await rulesOf(one).version(2n)).toBeNull();
    expect(await rulesOf(one).version(2n ** 63n - 1n)).toBeNull();
  });
});

test('whoever asks for the rules that hold gets none older than the question, however many ask at once', async () => {
  const reader = rulesOf(two);
  const before = Array.from({ length: 50 }, () => reader.current());
  await putDraft(one, 1);
  const after = Array.from({ length: 50 }, () => reader.current());
  for (const { version } of await Promise.all(before)) expect([1, 2]).toContain(version);
  expect(new Set((await Promise.all(after)).map(({ version }) => version))).toEqual(new Set([2]));
});
