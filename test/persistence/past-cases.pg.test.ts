import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { InvalidPageToken } from '../../src/domain/subscription.ts';
import { createPastCases } from '../../src/persistence/past-cases.ts';
import { FACT_RETENTION_MS } from '../../src/persistence/request-facts.ts';
import { createRulesReader } from '../../src/persistence/rules-reader.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { type SimulateRulesInput, simulateRules } from '../../src/use-cases/simulate-rules.ts';
import { DAY_MS, NO_FACTS } from '../support/arbitraries.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
  type WantedLine,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let services: TwoServices;
let one: TestService;

beforeAll(async () => {
  services = await openTwoServices('past_cases', ['A', 'B'], 20);
  ({ one } = services);
});

afterAll(() => services.close());

const cases = () => createPastCases(one.database.pool);

type Changes = Parameters<typeof reserveInput>[1];

const reserveFor = (exchangeId: string, lines: readonly WantedLine[] = [{ sku: 'A' }], changes: Changes = {}) =>
  reserveOne(one, reserveInput(lines, { exchangeId, customerRef: '', ...changes }));

async function simulate(draft: Partial<Rules>, more: Partial<SimulateRulesInput> = {}) {
  const warehouses = async () => (await one.database.pool.query('select * from warehouse order by priority')).rows;
  const deps = {
    cases: cases(),
    rules: createRulesReader(one.database.pool, () => 0),
    stock: { warehouses },
    compileRule,
  };
  const whole = { ...FIRST_RULES, effectiveAt: null, reason: 'a draft', ...draft };
  const input = { from: null, until: null, liveOnly: false, maxExamples: 0, size: 0, token: '', ...more };
  const result = await simulateRules(deps, { ...input, draft: whole }, new AbortController().signal, () => true);
  if ('reason' in result) throw new TypeError(result.message);
  return result;
}

const GOLD_ONLY = [
  { name: 'gold', expression: 'facts.customer_tier == "GOLD"', customerMessage: '', staffMessage: '' },
];
const LOYAL = {
  name: 'loyal',
  expression: 'facts.attributes["loyal"] == "yes"',
  customerMessage: '',
  staffMessage: '',
};

/** Every row of what a simulation reads, and the transaction that wrote it. */
async function picture(): Promise<unknown[]> {
  const tables = [
    'reservation',
    'allocation',
    'audit_event',
    'stock_pool',
    'outbox',
    'refused_reserve',
    'request_fact',
  ];
  const read = tables.map((table) =>
    one.database.pool.query(`select t::text as row, xmin::text as xmin from ${table} t order by t::text`),
  );
  return (await Promise.all(read)).map((result) => result.rows);
}

describe('a simulation', () => {
  beforeAll(async () => {
    await reserveFor('plain');
    await reserveFor('gold', [{ sku: 'A', quantity: 2 }], { facts: { ...NO_FACTS, customerTier: 'GOLD' } });
    await reserveFor('late', [{ sku: 'B' }], { facts: { ...NO_FACTS, deliveredAt: Date.now() - 91 * DAY_MS } });
    await reserveFor('too-many', [{ sku: 'B', quantity: 50 }]);
    await reserveFor('loyal', [{ sku: 'A' }], { facts: { ...NO_FACTS, attributes: { loyal: 'yes' } } });
    const gone = madeReservation(await reserveFor('gone'));
    const target = { by: 'reservation', id: gone.reservationId } as const;
    const key = { requestId: 'gone', contentHash: CONTENT_HASH };
    await releaseReservation(one, { ...key, target, etag: '', reason: 'CANCELLED', note: '' }, CALL);
  });

  test('of the rules in force finds no difference and writes nothing', async () => {
    const before = await picture();
    const { counts, examples, total, nextToken } = await simulate({});
    expect(counts).toEqual({
      checked: 6,
      accepted: 4,
      refused: 2,
      undecided: 0,
      newlyAccepted: 0,
      newlyRefused: 0,
      sourcedOtherwise: 0,
      timedOtherwise: 0,
      sourcingUnknown: 0,
    });
    expect([examples, total, nextToken]).toEqual([[], 6, '']);
    expect(await picture()).toEqual(before);
  });

  test('tells what a draft would accept, refuse, source and time otherwise, live and past', async () => {
    expect((await simulate({ eligibility: [] })).examples).toMatchObject([
      {
        exchangeId: 'late',
        trackingId: '',
        differences: ['was refused as NOT_ELIGIBLE by return-window, would be accepted'],
      },
    ]);
    const gold = await simulate({ eligibility: GOLD_ONLY });
    expect(gold.counts).toMatchObject({ accepted: 1, refused: 5, newlyRefused: 3 });
    expect(gold.examples.map((example) => example.exchangeId)).toEqual(['plain', 'loyal', 'gone']);
    expect(gold.examples[0]).toMatchObject({ refusal: { reason: 'NOT_ELIGIBLE', metadata: { rule: 'gold' } } });
    expect((await simulate({ defaultHoldWindowMs: DAY_MS })).counts).toMatchObject({ accepted: 4, timedOtherwise: 4 });
    const moved = await simulate({ channelWarehouses: { web: ['W2'] } });
    expect(moved.counts).toMatchObject({ accepted: 4, sourcedOtherwise: 4 });
    expect(moved.examples[1]?.differences).toEqual(['would come from W2 (line 1: 2) instead of W1 (line 1: 2)']);
  });

  test('of live reservations leaves out what is resolved or was refused', async () => {
    const { counts, total } = await simulate({ eligibility: GOLD_ONLY }, { liveOnly: true });
    expect(counts).toMatchObject({ checked: 3, newlyRefused: 2 });
    expect(total).toBe(3);
  });

  test('goes on page by page over the very cases there were when it began', async () => {
    const whole = await simulate({ eligibility: GOLD_ONLY });
    const exchanges: string[] = [];
    let token = '';
    let checked = 0;
    do {
      const page = await simulate({ eligibility: GOLD_ONLY }, { size: 2, token });
      if (token === '') await reserveFor(`meanwhile-${one.ids.uuid()}`, [{ sku: 'B' }]);
      checked += page.counts.checked;
      exchanges.push(...page.examples.map((example) => example.exchangeId));
      expect([page.total, page.counts.checked <= 2]).toEqual([whole.total, true]);
      token = page.nextToken;
    } while (token !== '');
    expect([checked, exchanges]).toEqual([whole.counts.checked, whole.examples.map((example) => example.exchangeId)]);
  });

  test('refuses to go on from where another draft was left off, or from nowhere', async () => {
    const { nextToken } = await simulate({}, { size: 1 });
    await expect(simulate({ maxLines: 9 }, { token: nextToken })).rejects.toThrow(InvalidPageToken);
    await expect(simulate({}, { token: 'x' })).rejects.toThrow(InvalidPageToken);
  });

  test('is bounded by time, the later bound left out', async () => {
    const { rows } = await one.database.pool.query<{ at: number }>(
      `select (extract(epoch from create_time) * 1000)::float8 as at from reservation where exchange_id = 'gold'`,
    );
    const at = rows[0]?.at ?? 0;
    const within = await simulate({}, { from: at, until: at + 1 });
    expect(within.counts.checked).toBeGreaterThanOrEqual(1);
    expect((await simulate({}, { until: 0 })).counts.checked).toBe(0);
  });

  test('asks for what a customer had when each case was decided', async () => {
    for (const name of ['first', 'second', 'third']) {
      await reserveFor(`${name}-of-one`, [{ sku: 'B' }], { customerRef: 'c-many' });
    }
    const { counts, examples } = await simulate({ maxLivePerCustomer: 2 }, { liveOnly: true });
    expect(counts.newlyRefused).toBe(1);
    expect(examples[0]).toMatchObject({ exchangeId: 'third-of-one', refusal: { reason: 'RULE_LIMIT' } });
  });
});

describe('what a request said', () => {
  test('stands in no audit event where it may be a customer’s, and is asked for all the same', async () => {
    const facts = { ...NO_FACTS, itemCondition: 'OPENED', attributes: { loyal: 'yes', note: 'CANARY-1' } };
    const destination = { countryCode: 'DE', postalCode: 'CANARY-2' };
    await reserveFor('private', [{ sku: 'B' }], { facts, destination });
    const { rows } = await one.database.pool.query<{ text: string }>(
      `select convert_from(body, 'UTF8') as text from audit_event e join reservation r using (reservation_id)
        where r.exchange_id = 'private'`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text).not.toContain('CANARY');
    expect(rows[0]?.text).toContain('OPENED');
    const loyal = await simulate({ eligibility: [LOYAL] }, { liveOnly: true });
    expect(loyal.counts).toMatchObject({ accepted: 2, undecided: 0 });
  });

  test('is erased after its time, and what it decided is then told by nobody', async () => {
    await one.database.pool.query(`update request_fact set create_time = now() - interval '91 days'`);
    expect(await cases().prune(FACT_RETENTION_MS, 1)).toBe(1);
    expect(await cases().prune(FACT_RETENTION_MS, 100)).toBe(1);
    const { counts, examples } = await simulate({ eligibility: [LOYAL] }, { liveOnly: true });
    expect(counts).toMatchObject({ accepted: 0, undecided: 2 });
    const told = examples.find((example) => example.exchangeId === 'private');
    expect(told?.differences).toEqual(['cannot be told: attributes is kept no more']);
    expect((await simulate({}, { liveOnly: true })).counts).toMatchObject({ undecided: 0 });
  });

  test('makes no row of its own where a request says nothing that may be a customer’s', async () => {
    await reserveFor('silent', [{ sku: 'B' }], { facts: { ...NO_FACTS, reason: 'SIZE', customerTier: 'GOLD' } });
    const { rows } = await one.database.pool.query(
      `select 1 from request_fact join reservation using (reservation_id) where exchange_id = 'silent'`,
    );
    expect(rows).toEqual([]);
  });
});
