import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidPageToken } from '../../src/domain/subscription.ts';
import { createEventReader } from '../../src/persistence/event-reader.ts';
import { createRefusals } from '../../src/persistence/refusals.ts';
import type { AuditEvent, AuditFilter } from '../../src/ports/event-reader.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { runs } from '../support/arbitraries.ts';
import { NO_EVENT_FILTER } from '../support/event-filter.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  CALL,
  CONTENT_HASH,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from '../support/test-service.ts';

const RESERVATIONS = 24;
const RUNS = 60;

let database: TestDatabase;
let service: TestService;
let all: AuditEvent[];
/** What each reservation is found by, beside what its events say. */
const facts = new Map<string, { caseId: string; orderId: string; sku: string; warehouse: string; unit: string }>();

beforeAll(async () => {
  database = await createTestDatabase('events');
  service = await openTestService(database.url);
  await stockUp(service, ['A', 'B', 'C'], 1_000);
  for (let at = 0; at < RESERVATIONS; at += 1) await makeOne(at);
  all = await listAll(NO_EVENT_FILTER, 500);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

/** Two events by one of two actors, or one, of one of few cases, orders, SKUs and warehouses. */
async function makeOne(at: number): Promise<void> {
  const sku = ['A', 'B', 'C'][at % 3] ?? 'A';
  const warehouse = ['W1', 'W2'][at % 2] ?? 'W1';
  const named = { exchangeId: `exchange-${at}`, returnCaseId: `case-${at % 5}`, orderId: `order-${at % 7}` };
  const line = { sku, quantity: 1 };
  const input = reserveInput([line], { ...named, requestId: `r-${at}` });
  const lines = input.lines.map((one) => ({ ...one, warehouse, orderLineId: '' }));
  const outcome = await reserveOne(service, { ...input, lines });
  if (!outcome.ok || outcome.answer.kind !== 'reservation') throw new Error('not reserved');
  const { reservationId = '' } = outcome.answer.reservation ?? {};
  const unit = at % 4 === 0 ? `unit-${at % 8}` : '';
  facts.set(reservationId, { caseId: named.returnCaseId, orderId: named.orderId, sku, warehouse, unit });
  if (unit !== '') {
    const text = `insert into allocated_unit (sku, unit_id, reservation_id, line_number, warehouse, held)
      values ($1, $2, $3, 1, $4, false)`;
    await service.database.pool.query(text, [sku, unit, reservationId, warehouse]);
  }
  if (at % 3 === 0) return;
  const key = {
    requestId: `x-${at}`,
    contentHash: CONTENT_HASH,
    target: { by: 'reservation' as const, id: reservationId },
  };
  const call = { ...CALL, caller: { ...CALL.caller, principal: at % 2 === 0 ? 'clerk' : 'tester' } };
  await releaseReservation(service, { ...key, etag: '', reason: 'CANCELLED', note: '' }, call);
}

async function listAll(filter: AuditFilter, size: number): Promise<AuditEvent[]> {
  const reader = createEventReader(service.database.pool, createRefusals(service.database.pool));
  const rows: AuditEvent[] = [];
  let token = '';
  do {
    const page = await reader.list(filter, { size, token });
    expect(page.rows.length).toBeLessThanOrEqual(size);
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '');
  return rows;
}

function matches(event: AuditEvent, filter: AuditFilter): boolean {
  const of = facts.get(event.reservationId);
  const is = (wanted: string, found: string | undefined) => wanted === '' || wanted === found;
  return (
    is(filter.trackingId, event.trackingId) &&
    is(filter.reservationId, event.reservationId) &&
    is(filter.exchangeId, event.exchangeId) &&
    is(filter.returnCaseId, of?.caseId) &&
    is(filter.orderId, of?.orderId) &&
    is(filter.unitId, of?.unit) &&
    is(filter.sku, of?.sku) &&
    is(filter.warehouse, of?.warehouse) &&
    is(filter.actor, event.actor) &&
    (filter.kinds.length === 0 || filter.kinds.includes(event.kind)) &&
    event.createdAt >= (filter.from ?? 0) &&
    event.createdAt < (filter.until ?? Number.POSITIVE_INFINITY)
  );
}

const byReservation = (a: AuditEvent, b: AuditEvent) =>
  a.reservationId < b.reservationId ? -1 : a.reservationId > b.reservationId ? 1 : a.version - b.version;
const byTime = (a: AuditEvent, b: AuditEvent) => a.createdAt - b.createdAt || byReservation(a, b);

/** Filters over what there is: most of them set little, so that something is found. */
const anyFilter = fc.gen().map((g): AuditFilter => {
  const pick = (choices: readonly string[]) =>
    g(fc.nat, 3) === 0 ? (choices[g(fc.nat, choices.length - 1)] ?? '') : '';
  const event = all[g(fc.nat, all.length - 1)];
  const [from, until] = [all[g(fc.nat, all.length - 1)], all[g(fc.nat, all.length - 1)]];
  return {
    trackingId: pick(['', '', event?.trackingId ?? '', 'EM-NONE']),
    reservationId: pick(['', '', event?.reservationId ?? '', 'no uuid']),
    exchangeId: pick(['', 'exchange-3', 'exchange-4']),
    returnCaseId: pick(['case-0', 'case-1', 'case-9']),
    orderId: pick(['order-0', 'order-1']),
    unitId: pick(['', 'unit-0', 'unit-4']),
    sku: pick(['A', 'B', 'none']),
    warehouse: pick(['W1', 'W2']),
    actor: pick(['clerk', 'tester', 'nobody']),
    kinds: g(fc.subarray, ['reserved', 'released', 'expired'], { minLength: 0 }),
    from: g(fc.boolean) ? null : (from?.createdAt ?? null),
    until: g(fc.boolean) ? null : (until?.createdAt ?? null),
  };
});

test('there is something to be found', () => {
  expect(all.map((event) => event.kind)).toContain('released');
  expect(new Set(all.map((event) => event.actor))).toEqual(new Set(['tester', 'clerk']));
  expect(all).toEqual([...all].sort(byTime));
});

test('any filter finds what it means, once and in order, in pages of any size', async () => {
  const property = fc.asyncProperty(anyFilter, fc.integer({ min: 1, max: 9 }), async (filter, size) => {
    const found = await listAll(filter, size);
    const { actor: _, kinds: __, from: ___, until: ____, warehouse: _____, ...names } = filter;
    const isNamed = Object.values(names).some((name) => name !== '');
    const expected = all.filter((event) => matches(event, filter)).sort(isNamed ? byReservation : byTime);
    expect(found.map((event) => event.eventId)).toEqual(expected.map((event) => event.eventId));
  });
  await fc.assert(property, runs(RUNS));
});

describe('a page token', () => {
  const reader = () => createEventReader(service.database.pool, createRefusals(service.database.pool));

  test.each<Partial<AuditFilter>>([{ actor: 'clerk' }, { kinds: ['released'] }, { sku: 'A' }, { from: 1 }])(
    'of another filter than %j is refused',
    async (changes) => {
      const { nextPageToken: token } = await reader().list(NO_EVENT_FILTER, { size: 1, token: '' });
      const other = reader().list({ ...NO_EVENT_FILTER, ...changes }, { size: 1, token });
      await expect(other).rejects.toBeInstanceOf(InvalidPageToken);
    },
  );

  test.each([
    ['x', '00000000-0000-7000-8000-000000000001', '1'],
    ['1', 'x', '1'],
    ['1', '00000000-0000-7000-8000-000000000001', 'x'],
  ])('that was made up is refused: %s %s %s', async (...position) => {
    const { nextPageToken } = await reader().list(NO_EVENT_FILTER, { size: 1, token: '' });
    const [digest] = JSON.parse(Buffer.from(nextPageToken, 'base64url').toString()) as string[];
    const token = Buffer.from(JSON.stringify([digest, ...position])).toString('base64url');
    await expect(reader().list(NO_EVENT_FILTER, { size: 1, token })).rejects.toBeInstanceOf(InvalidPageToken);
  });
});
