import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEventReader } from '../../src/persistence/event-reader.ts';
import { createRefusals, REFUSAL_RETENTION_MS } from '../../src/persistence/refusals.ts';
import type { AuditFilter } from '../../src/ports/event-reader.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { NO_EVENT_FILTER } from '../support/event-filter.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { CALL, openTestService, reserveInput, reserveOne, stockUp, type TestService } from '../support/test-service.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('refusals');
  service = await openTestService(database.url);
  await stockUp(service, ['A', 'B'], 5);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

const refusals = () => createRefusals(service.database.pool);
const tooMany = (exchangeId: string, quantity = 11, changes = {}) =>
  reserveInput([{ sku: 'A', quantity }], { exchangeId, requestId: randomUUID(), ...changes });

async function listed(filter: Partial<AuditFilter>, size = 2) {
  const reader = createEventReader(service.database.pool, refusals());
  const rows = [];
  let token = '';
  do {
    const page = await reader.list({ ...NO_EVENT_FILTER, ...filter }, { size, token });
    expect(page.rows.length).toBeLessThanOrEqual(size);
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '');
  return rows;
}

describe('a refused Reserve', () => {
  test('leaves its reason, the numbers seen and the rule version', async () => {
    const outcome = await reserveOne(service, tooMany('numbers'));
    expect(outcome.ok).toBe(false);
    expect(await refusals().ofExchange('numbers')).toEqual([
      expect.objectContaining({
        reason: 'NO_STOCK',
        metadata: expect.objectContaining({ sku: 'A', requested: '11', available: '10', version: expect.any(String) }),
        ruleVersion: 1,
        times: 1,
        actor: 'tester',
        channel: 'web',
      }),
    ]);
  });

  test('leaves one record for each reason, with the numbers of the last time and how often it was', async () => {
    for (const quantity of [11, 12]) await reserveOne(service, tooMany('again', quantity));
    await reserve(service, [tooMany('again', 13), tooMany('again', 14)], CALL);
    await reserveOne(service, tooMany('again', 1, { facts: { ...tooMany('x').facts, reason: 'ABUSE' } }));
    const kept = await refusals().ofExchange('again');
    expect(kept.map(({ reason, times }) => [reason, times])).toEqual([
      ['NOT_ELIGIBLE', 1],
      ['NO_STOCK', 4],
    ]);
    expect(kept[1]?.metadata.requested).toBe('14');
    expect(kept[1]?.firstAt).toBeLessThan(kept[1]?.refusedAt ?? 0);
  });

  test('leaves nothing where it only asked, or where the request itself was at fault', async () => {
    await reserveOne(service, tooMany('asked', 11, { validateOnly: true }));
    const requestId = randomUUID();
    await reserveOne(service, tooMany('reused', 1, { requestId }));
    await reserveOne(service, tooMany('reused', 1, { requestId, contentHash: Buffer.alloc(32, 2) }));
    expect(await refusals().ofExchange('asked')).toEqual([]);
    expect(await refusals().ofExchange('reused')).toEqual([]);
  });

  test('is kept without anything of the customer', async () => {
    const customerRef = `customer-${randomUUID()}`;
    await reserveOne(service, tooMany('customer', 11, { customerRef }));
    const { rows } = await service.database.pool.query('select to_json(r)::text as text from refused_reserve r');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => row.text).join()).not.toContain(customerRef);
  });

  test('leaves its neighbours in the unit as they are', async () => {
    const inputs = [tooMany('good-1', 1), tooMany('bad'), tooMany('good-2', 1)];
    const outcomes = await reserve(service, inputs, CALL);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, false, true]);
    expect(await refusals().ofExchange('bad')).toHaveLength(1);
    expect(await refusals().ofExchange('good-1')).toEqual([]);
  });
});

describe('refusals among the events', () => {
  test('are found by what they concern, each once, behind the events', async () => {
    const named = { returnCaseId: 'case-listed', orderId: 'order-listed' };
    await reserveOne(service, tooMany('listed', 1, named));
    for (const name of ['one', 'two', 'three']) await reserveOne(service, tooMany(`listed-${name}`, 99, named));
    const kindsBy = async (filter: Partial<AuditFilter>, size?: number) =>
      (await listed(filter, size)).map((event) => `${event.kind} ${event.exchangeId}`);
    const all = ['reserved listed', 'refused listed-one', 'refused listed-two', 'refused listed-three'];
    for (const size of [1, 2, 3, 4, 5, 50]) expect(await kindsBy({ returnCaseId: 'case-listed' }, size)).toEqual(all);
    expect(await kindsBy({ orderId: 'order-listed', kinds: ['refused'] })).toEqual(all.slice(1));
    expect(await kindsBy({ orderId: 'order-listed', kinds: ['reserved'] })).toEqual(all.slice(0, 1));
    expect(await kindsBy({ exchangeId: 'listed-two' })).toEqual(['refused listed-two']);
    expect(await kindsBy({ orderId: 'order-listed', sku: 'B' })).toEqual([]);
    expect(await kindsBy({ orderId: 'order-listed', actor: 'nobody' })).toEqual([]);
    expect(await kindsBy({ orderId: 'order-listed', until: 1 })).toEqual([]);
    expect(await kindsBy({ orderId: 'order-listed', sku: 'A', actor: 'tester', kinds: ['refused'] })).toEqual(
      all.slice(1),
    );
    const [refused] = await listed({ exchangeId: 'listed-two' });
    expect(refused).toMatchObject({ reason: 'NO_STOCK', ruleVersion: 1, eventId: '' });
    expect(JSON.parse(refused?.afterJson ?? '')).toMatchObject({ times: 1, metadata: { requested: '99' } });
  });

  test('are not told where a reservation is asked for', async () => {
    expect(await listed({ trackingId: 'EM-NONE' })).toEqual([]);
    expect(await listed({ unitId: 'U-NONE' })).toEqual([]);
  });
});

test('refusals are forgotten 90 days after their last time, a bounded number at once', async () => {
  await service.database.pool.query(
    `update refused_reserve set create_time = clock_timestamp() - make_interval(secs => $1::float8 / 1000)
     where exchange_id in ('listed-one', 'listed-two')`,
    [REFUSAL_RETENTION_MS + DAY_MS],
  );
  await service.database.pool.query(
    `update refused_reserve set create_time = clock_timestamp() - make_interval(secs => $1::float8 / 1000)
     where exchange_id = 'listed-three'`,
    [REFUSAL_RETENTION_MS - DAY_MS],
  );
  expect(await refusals().prune(REFUSAL_RETENTION_MS, 1)).toBe(1);
  expect(await refusals().prune(REFUSAL_RETENTION_MS, 5)).toBe(1);
  expect(await refusals().prune(REFUSAL_RETENTION_MS, 5)).toBe(0);
  expect(await refusals().ofExchange('listed-three')).toHaveLength(1);
});
