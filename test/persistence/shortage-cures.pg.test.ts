import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { lackingUnits, type Reservation } from '../../src/domain/reservation.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { createNotifications } from '../../src/persistence/notifications.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { createShortages } from '../../src/persistence/shortages.ts';
import { promoteQueues } from '../../src/use-cases/promote-queues.ts';
import { putRules } from '../../src/use-cases/put-rules.ts';
import { settleShortages } from '../../src/use-cases/settle-shortages.ts';
import { countStock, receiveStock } from '../../src/use-cases/stock.ts';
import { applyWarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { warnExpiring } from '../../src/use-cases/warn-expiring.ts';
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
const DAY_MS = 86_400_000;
const NEVER = new AbortController().signal;

let services: TwoServices;
let one: TestService;
let two: TestService;
let rulesPut: number;

beforeEach(async () => {
  services = await openTwoServices('cures', ['A', 'B'], 10);
  ({ one, two } = services);
  await services.setClock(NOW);
  rulesPut = 0;
});

afterEach(() => services.close());

const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });

async function reserved(quantity: number, more = {}, warehouse = ''): Promise<Reservation> {
  const input = reserveInput([{ sku: 'A', quantity, orderLineId: '' }], more);
  const lines = input.lines.map((line) => ({ ...line, warehouse }));
  return madeReservation(await reserveOne(one, { ...input, lines }));
}

/** Answers the count's own levels. */
async function count(onHand: number, warehouse = 'W1', service = one) {
  const plain = { unavailable: null, committed: null, expectedOnHand: null, countedAt: null, netOfReserved: false };
  const counts = [{ sku: 'A', warehouse, onHand, ...plain }];
  const outcome = await countStock(service, { ...key(), reason: 'count', counts }, CALL);
  if (!outcome.ok || outcome.answer.kind !== 'stock') throw new TypeError('the count was refused');
  return outcome.answer.levels;
}

const receive = (onHand: number, warehouse: string, service = one) =>
  receiveStock(service, { ...key(), reason: 'delivery', receipts: [{ sku: 'A', warehouse, delta: { onHand } }] }, CALL);

async function put(rules: Partial<Rules>): Promise<void> {
  rulesPut += 1;
  const draft = { ...FIRST_RULES, ...rules, reason: 'a test', effectiveAt: null };
  const outcome = await putRules({ ...one, compileRule }, { ...key(), etag: `v${rulesPut}`, draft }, CALL);
  expect(outcome.ok).toBe(true);
}

const now = async ({ reservationId }: Reservation): Promise<Reservation> => {
  const found = await createReservationReader(one.database.pool).find({ by: 'reservation', id: reservationId });
  if (found === null) throw new TypeError('no such reservation');
  return found;
};

/** Where units are held, and how many of them are not there. */
async function places(reservation: Reservation): Promise<[string, number, number][]> {
  const parts = (await now(reservation)).lines.flatMap((line) => line.allocations);
  return parts.filter((part) => part.reserved > 0).map((part) => [part.warehouse, part.reserved, lackingUnits(part)]);
}

async function events({ reservationId }: Reservation): Promise<string[]> {
  const result = await one.database.pool.query<{ said: string }>(
    `select kind || ' ' || (convert_from(body, 'UTF8')::json ->> 6) as said from audit_event
     where reservation_id = $1 order by version`,
    [reservationId],
  );
  return result.rows.map((row) => row.said);
}

async function reservedIn(): Promise<unknown[]> {
  const result = await one.database.pool.query(
    "select warehouse, reserved, on_hand, shortage from stock_pool where sku = 'A' order by warehouse",
  );
  return result.rows.map((row) => Object.values(row));
}

async function told(kind: string): Promise<string[]> {
  const filter = { kinds: [], trackingId: '', exchangeId: '', includeAcknowledged: true };
  const page = await createNotifications(one.database.pool).list(filter, { size: 500, token: '' });
  return page.rows.filter((row) => row.kind === kind).map((row) => row.trackingId);
}

async function shortages(includeClosed = false) {
  const filter = { skus: [], warehouses: [], includeClosed };
  return (await createShortages(one.database.pool).list(filter, { size: 50, token: '' })).rows;
}

describe('R15: a shortage is cured by re-sourcing', () => {
  test('in the commit that finds it: counters, line, events, record and answer say so together', async () => {
    const victim = await reserved(4);
    const levels = await count(1);
    expect(levels).toMatchObject([{ warehouse: 'W1', onHand: 1, reserved: 1 }]);
    expect(await places(victim)).toEqual([
      ['W1', 1, 0],
      ['W2', 3, 0],
    ]);
    expect(await reservedIn()).toEqual([
      ['W1', 1, 1, 0],
      ['W2', 3, 10, 0],
    ]);
    expect(await events(victim)).toEqual(['reserved SIZE', 'short shortage', 'changed re-sourced']);
    expect(await shortages()).toEqual([]);
    expect(await shortages(true)).toMatchObject([
      { quantity: 3, openedAt: NOW, closedAt: NOW, victims: [{ trackingId: victim.trackingId, quantity: 3 }] },
    ]);
    expect(await told('SHORTAGE')).toEqual([victim.trackingId]);
    expect(await told('SUGGEST_REFUND')).toEqual([]);
  });

  test('for who would lose last first, where other warehouses have too little for all', async () => {
    await count(3, 'W2');
    const [first, second, precious] = [await reserved(2), await reserved(2), await reserved(2, { priority: 3 })];
    await count(0, 'W1', two);
    expect(await places(precious)).toEqual([['W2', 2, 0]]);
    expect(await places(first)).toEqual([
      ['W1', 1, 1],
      ['W2', 1, 0],
    ]);
    expect(await places(second)).toEqual([['W1', 2, 2]]);
    expect(await shortages()).toMatchObject([{ quantity: 3, unnamed: 0 }]);
  });

  test('never of what a warehouse has begun, and never of a line whose request named the warehouse', async () => {
    const [begun, pinned] = [await reserved(2), await reserved(2, {}, 'W1')];
    const facts = { wms: 'sim', messageId: randomUUID(), contentHash: CONTENT_HASH, warehouse: 'W1', occurredAt: NOW };
    const { trackingId } = begun;
    await applyWarehouseMessage(
      one,
      { ...facts, trace: null, event: 'pick-started', trackingId, lines: [], code: '' },
      NEVER,
    );
    await count(0);
    expect(await places(begun)).toEqual([['W1', 2, 2]]);
    expect(await places(pinned)).toEqual([['W1', 2, 2]]);
    const abort = { ...facts, messageId: randomUUID(), trace: null, trackingId, lines: [], code: '' };
    await applyWarehouseMessage(two, { ...abort, event: 'pick-aborted' }, NEVER);
    expect(await places(begun)).toEqual([['W2', 2, 0]]);
    expect(await places(pinned)).toEqual([['W1', 2, 2]]);
  });

  test('moves a line whole where lines may not be split, and gives others back what that leaves', async () => {
    await put({ splitAllowed: false });
    await count(3, 'W2');
    const [large, small] = [await reserved(3), await reserved(2)];
    await count(4);
    // The newest lost a unit, and all of its two are in W2 now.
    expect(await places(small)).toEqual([['W2', 2, 0]]);
    await count(2);
    expect(await places(large)).toEqual([['W1', 3, 1]]);
    await receive(2, 'W2', two);
    expect(await places(large)).toEqual([['W2', 3, 0]]);
    expect(await shortages()).toEqual([]);
  });

  test('when units become available elsewhere later, before those who only wait', async () => {
    await count(0, 'W2');
    const victim = await reserved(4);
    await count(2);
    const waiting = madeReservation(await reserveOne(one, { ...reserveInput([{ sku: 'A' }]), waitlist: true }));
    expect(await places(victim)).toEqual([['W1', 4, 2]]);
    await receive(2, 'W2', two);
    expect(await places(victim)).toEqual([
      ['W1', 2, 0],
      ['W2', 2, 0],
    ]);
    expect((await now(waiting)).state).toBe('WAITLISTED');
    await receive(1, 'W2');
    expect(await places(waiting)).toEqual([['W2', 1, 0]]);
  });

  test('when rules leave more to be had elsewhere, with the next unit that takes the SKU', async () => {
    await put({ safetyStocks: [{ sku: 'A', warehouse: 'W2', units: 10, percent: 0 }] });
    const victim = await reserved(4);
    await count(2);
    expect(await places(victim)).toEqual([['W1', 4, 2]]);
    await put({});
    await promoteQueues(two, ['A'], NEVER);
    expect(await places(victim)).toEqual([
      ['W1', 2, 0],
      ['W2', 2, 0],
    ]);
  });

  test('in bounded commits where very many lines lack units, until none is left that could be served', async () => {
    const many = 600;
    await receive(many - 10, 'W1');
    await receive(many - 30, 'W2');
    const made = await Promise.all(Array.from({ length: many }, () => reserved(1)));
    await count(0);
    const pools = createShortages(one.database.pool);
    let steps = 0;
    for (let left = await pools.unsettled(10); left.length > 0; left = await pools.unsettled(10)) {
      steps += 1;
      expect(steps).toBeLessThan(20);
      await settleShortages(steps % 2 === 0 ? one : two, left, NEVER);
      expect((await createLedgerAuditor(one.database.pool).verify()).drifts).toEqual([]);
    }
    expect(steps).toBeGreaterThan(1);
    expect(await reservedIn()).toEqual([
      ['W1', 20, 0, 20],
      ['W2', many - 20, many - 20, 0],
    ]);
    const newest = made.toSorted((a, b) => (a.reservationId < b.reservationId ? 1 : -1)).slice(0, 20);
    const [shortage] = await shortages();
    expect(shortage?.victims.map((victim) => victim.trackingId)).toEqual(newest.map((victim) => victim.trackingId));
  }, 60_000);
});

describe('R15: cures follow the rules a reservation was decided by', () => {
  test('so that a later version moves nothing that was promised before', async () => {
    await put({ shortageCures: ['WAIT'] });
    const before = await reserved(2);
    await put({ shortageCures: ['RESOURCE'] });
    const after = await reserved(2);
    await count(0);
    expect(await places(before)).toEqual([['W1', 2, 2]]);
    expect(await places(after)).toEqual([['W2', 2, 0]]);
  });

  test('and a refund is suggested once where none before it helps', async () => {
    await put({ shortageCures: ['RESOURCE', 'SUGGEST_REFUND'] });
    await count(1, 'W2');
    const [kept, lost] = [await reserved(1), await reserved(3)];
    await count(1);
    expect(await told('SUGGEST_REFUND')).toEqual([lost.trackingId]);
    for (const onHand of [3, 0]) await count(onHand);
    expect((await told('SUGGEST_REFUND')).sort()).toEqual([kept, lost].map((made) => made.trackingId).sort());
  });

  test('what stands behind WAIT comes with the warning before the deadline', async () => {
    await put({ shortageCures: ['WAIT', 'RESOURCE', 'SUGGEST_REFUND'], expiryWarningMs: DAY_MS });
    await count(1, 'W2');
    const waiting = await reserved(3);
    await count(0);
    expect(await places(waiting)).toEqual([['W1', 3, 3]]);
    expect(await told('SUGGEST_REFUND')).toEqual([]);
    await services.setClock(waiting.expireAt - DAY_MS);
    expect(await warnExpiring(two, [waiting.reservationId], NEVER)).toBe(1);
    expect(await places(waiting)).toEqual([
      ['W1', 2, 2],
      ['W2', 1, 0],
    ]);
    expect(await told('SUGGEST_REFUND')).toEqual([waiting.trackingId]);
  });

  test('and a suggestion without a shortage is found by the ledger', async () => {
    const { reservationId, trackingId } = await reserved(1);
    await one.database.pool.query(
      `insert into notification (notification_id, reservation_id, kind, facts, create_time)
       values (gen_random_uuid(), $1, 'SUGGEST_REFUND', '{}', clock_timestamp())`,
      [reservationId],
    );
    const { drifts } = await createLedgerAuditor(one.database.pool).verify();
    expect(drifts).toMatchObject([{ kind: 'NOTIFICATION', expected: 0, actual: 1, trackingId }]);
    await one.database.pool.query('delete from notification');
  });
});
