import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SeenPool } from '../../src/domain/seen-pools.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Command, Ids, Outcome, UnitOfWork } from '../../src/ports.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { extendReservation, fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, countStock, receiveStock } from '../../src/use-cases/stock.ts';
import { runs } from '../support/arbitraries.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { CALL, openTestService, reserveInput, stockUp, type TestService } from '../support/test-service.ts';

const RUNS = 25;
const COMMANDS_MAX = 40;
const ON_HAND = 4;
const DAY_MS = 86_400_000;

let databases: TestDatabase[];
let batch: TestService;
let single: TestService;

beforeAll(async () => {
  databases = [await createTestDatabase('batch'), await createTestDatabase('single')];
  batch = await openTestService(databases[0]!.url);
  single = await openTestService(databases[1]!.url);
});

afterAll(async () => {
  await Promise.all([batch.close(), single.close()]);
  await Promise.all(databases.map((database) => database.drop()));
});

const sku = fc.constantFrom('A', 'B', 'C');
const warehouse = fc.constantFrom('W1', 'W2');
const exchange = fc.integer({ min: 0, max: 5 });
const quantity = fc.integer({ min: 1, max: 5 });
const delta = fc.integer({ min: -3, max: 3 });
const requestId = fc.option(fc.constantFrom('r1', 'r2', 'r3'), { nil: null });

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant('reserve' as const),
      requestId,
      exchange,
      lines: fc.array(fc.record({ sku, quantity, orderLineId: fc.constantFrom('l1', 'l2', '') }), {
        minLength: 1,
        maxLength: 3,
      }),
      purchased: fc.constantFrom(0, 6),
      partial: fc.boolean(),
      waitlist: fc.boolean(),
      priority: fc.integer({ min: -1, max: 1 }),
      validateOnly: fc.boolean(),
    }),
  },
  fc.record({ verb: fc.constant('release' as const), requestId, exchange }),
  fc.record({
    verb: fc.constant('fulfil' as const),
    requestId,
    exchange,
    lines: fc.array(fc.record({ lineNumber: fc.integer({ min: 1, max: 3 }), quantity }), { maxLength: 2 }),
    close: fc.boolean(),
  }),
  fc.record({ verb: fc.constant('extend' as const), requestId, exchange, days: fc.integer({ min: 1, max: 80 }) }),
  fc.record({ verb: fc.constant('receive' as const), requestId, sku, warehouse, quantity }),
  fc.record({ verb: fc.constant('adjust' as const), requestId, sku, warehouse, onHand: delta, unavailable: delta }),
  fc.record({
    verb: fc.constant('count' as const),
    requestId,
    sku,
    warehouse,
    onHand: fc.integer({ min: 0, max: 6 }),
    netOfReserved: fc.boolean(),
  }),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** The command a use case makes of an action, caught before it is decided; both databases get the same one. */
function commandOf(one: Action, at: number, run: string, extendFrom: number): Command {
  const caught: Command[] = [];
  const unitOfWork: UnitOfWork = {
    submit: async (commands) => {
      caught.push(...commands);
      return commands.map(() => ({ ok: true, answer: { kind: 'swept', count: 0 }, replayed: false }));
    },
  };
  const contentHash = createHash('sha256').update(JSON.stringify(one)).digest();
  const key = { requestId: `${run}-${one.requestId ?? `own-${at}`}`, contentHash, etag: '', reason: 'test' };
  void ask({ unitOfWork, ids: idsOf(run, at) }, one, key, run, extendFrom);
  const [command] = caught;
  if (command === undefined) throw new TypeError('a use case submits before it waits');
  return command;
}

type Key = { requestId: string; contentHash: Uint8Array; etag: string; reason: string };

function ask(deps: { unitOfWork: UnitOfWork; ids: Ids }, one: Action, key: Key, run: string, extendFrom: number) {
  switch (one.verb) {
    case 'reserve':
      return reserve(deps, [{ ...requestOf(one, run), ...key }], CALL);
    case 'release':
      return releaseReservation(deps, { ...key, target: targetOf(one, run), reason: 'CANCELLED', note: '' }, CALL);
    case 'fulfil': {
      const { lines, close } = one;
      return fulfilReservation(deps, { ...key, target: targetOf(one, run), lines, close }, CALL);
    }
    case 'extend': {
      const expireAt = extendFrom + one.days * DAY_MS;
      return extendReservation(deps, { ...key, target: targetOf(one, run), expireAt }, CALL);
    }
    case 'receive':
      return receiveStock(
        deps,
        { ...key, receipts: [{ ...placeOf(one, run), delta: { onHand: one.quantity } }] },
        CALL,
      );
    case 'adjust': {
      const change = { onHand: one.onHand, unavailable: one.unavailable };
      return adjustStock(deps, { ...key, adjustments: [{ ...placeOf(one, run), delta: change }] }, CALL);
    }
    case 'count': {
      const { onHand, netOfReserved } = one;
      const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null };
      return countStock(deps, { ...key, counts: [{ ...placeOf(one, run), ...plain, onHand, netOfReserved }] }, CALL);
    }
  }
}

function requestOf(one: Extract<Action, { verb: 'reserve' }>, run: string) {
  const { partial, waitlist, priority, validateOnly, purchased } = one;
  const wanted = one.lines.map((line) => ({ ...line, sku: `${run}-${line.sku}` }));
  const request = reserveInput(wanted, {
    exchangeId: `${run}-e${one.exchange}`,
    orderId: `${run}-o`,
    partial,
    waitlist,
    priority,
    validateOnly,
  });
  return { ...request, lines: request.lines.map((line) => ({ ...line, purchasedQuantity: purchased })) };
}

function targetOf(one: { readonly exchange: number }, run: string) {
  return { by: 'exchange' as const, id: `${run}-e${one.exchange}` };
}

function placeOf(one: { readonly sku: string; readonly warehouse: string }, run: string) {
  return { sku: `${run}-${one.sku}`, warehouse: one.warehouse };
}

/** The same ids for the same command of the same run, in the order of the commands as those of a process are. */
function idsOf(run: string, at: number): Ids {
  const digest = (length: number) => createHash('sha256').update(`${run}/${at}`).digest().subarray(0, length);
  const hex = digest(16).toString('hex');
  const uuid = [
    at.toString(16).padStart(8, '0'),
    hex.slice(8, 12),
    `7${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20),
  ];
  return { uuid: () => uuid.join('-'), randomBytes: digest };
}

const CLOCK_KEYS = new Set([
  'createdAt',
  'expireAt',
  'resolvedAt',
  'changedAt',
  'since',
  'countedAt',
  'resolve_time',
  'expire_time',
]);

/** An answer without what the clock gave it, and without pool versions, of which a unit gives only one. */
function plain(answer: Outcome | Error | undefined): unknown {
  return answer instanceof Error ? answer.message : withoutClock(answer);
}

function withoutClock(value: unknown): unknown {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value, function (this: object, key, value) {
    if (key === 'seen') return (value as SeenPool[]).map(([sku, warehouse, available]) => [sku, warehouse, available]);
    if (CLOCK_KEYS.has(key) || (key === 'version' && ('onHand' in this || 'available' in this))) return undefined;
    return value;
  });
  return JSON.parse(text);
}

const LEFT = `
  select jsonb_build_object(
    'pools', (select jsonb_agg(to_jsonb(p) - '{version,change_time,count_time}'::text[] order by sku, warehouse)
      from stock_pool p),
    'reservations', (select jsonb_agg(to_jsonb(r) - '{create_time,expire_time,resolve_time}'::text[]
      order by reservation_id) from reservation r),
    'allocations', (select jsonb_agg(to_jsonb(a) order by reservation_id, line_number, warehouse) from allocation a),
    'claims', (select jsonb_agg(jsonb_build_array(request_id, method, content_hash, reservation_id, reservation_version)
      order by request_id, method) from request_claim where method not in ('PutItems', 'PutWarehouses', 'ReceiveStock')),
    'exchanges', (select jsonb_agg(to_jsonb(e) order by exchange_id) from exchange e),
    'waitlist', (select jsonb_agg(to_jsonb(w) - 'since_time' order by reservation_id, line_number) from waitlist w),
    'orderLines', (select jsonb_agg(to_jsonb(o) order by order_id, order_line_id) from order_line o),
    'events', (select jsonb_agg(jsonb_build_array(reservation_id, version, kind, actor,
      convert_from(body, 'UTF8')::json ->> 6)
      order by reservation_id, version) from audit_event),
    'messages', (select jsonb_agg(jsonb_build_array(key, version) order by key, version) from outbox
      where topic = 'reservation')) as rows`;

async function left(service: TestService): Promise<unknown> {
  return withoutClock((await service.database.pool.query(LEFT)).rows[0]?.rows);
}

test('a batch answers and leaves what its commands would one by one', async () => {
  let count = 0;
  const property = fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: COMMANDS_MAX }), async (actions) => {
    count += 1;
    const run = `run${count}`;
    const skus = ['A', 'B', 'C'].map((name) => `${run}-${name}`);
    await Promise.all([stockUp(batch, skus, ON_HAND), stockUp(single, skus, ON_HAND)]);
    const extendFrom = Date.now();
    const commands = actions.map((one, at) => commandOf(one, at, run, extendFrom));
    const together = await batch.run(commands);
    const alone: unknown[] = [];
    for (const command of commands) alone.push(plain((await single.run([command])).get(command)));
    expect(commands.map((command) => plain(together.get(command)))).toEqual(alone);
    expect(await left(batch)).toEqual(await left(single));
  });
  await fc.assert(property, { ...runs(RUNS), endOnFailure: true });
  for (const service of [batch, single]) {
    expect((await createLedgerAuditor(service.database.pool).verify()).drifts).toEqual([]);
  }
});
