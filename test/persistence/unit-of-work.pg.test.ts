import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { type Command, NO_NEEDS, type Outcome } from '../../src/ports.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { putItems } from '../../src/use-cases/stock.ts';
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

let database: TestDatabase;
/** Two processes over one database. */
let one: TestService;
let two: TestService;

beforeAll(async () => {
  database = await createTestDatabase('unit');
  one = await openTestService(database.url);
  two = await openTestService(database.url);
  await stockUp(one, ['A', 'B'], 1_000);
  await stockUp(one, ['scarce'], 1);
  await stockUp(one, ['plenty'], 1_000_000);
});

afterAll(async () => {
  const report = await createLedgerAuditor(one.database.pool).verify();
  await Promise.all([one.close(), two.close()]);
  await database.drop();
  expect(report.drifts).toEqual([]);
});

/** Connections to be cut, each in another moment of a unit. */
const CONNECTIONS_LOST = 20;

const CALLERS = 8;

const OTHER_HASH = Buffer.alloc(32, 2);

function reservationOf(outcome: Outcome | undefined) {
  if (!outcome?.ok || outcome.answer.kind !== 'reservation') throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome.answer.reservation;
}

function reasonOf(outcome: Outcome | undefined): string {
  return outcome?.ok === false ? outcome.refusal.reason : 'none';
}

/** Every row of every table a refused command must not have touched, as one number that changes with any of them. */
async function traceOf(service: TestService): Promise<string> {
  const tables = [
    'request_claim',
    'exchange',
    'order_line',
    'reservation',
    'allocation',
    'audit_event',
    'outbox',
    'stock_pool',
  ];
  const texts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await service.database.pool.query(`select t::text as row from ${table} t order by 1`);
      return `${table}: ${rows.map(({ row }) => row).join('\n')}`;
    }),
  );
  return createHash('sha256').update(texts.join('\n')).digest('hex');
}

describe('R17: a refused command', () => {
  test.each([
    [
      'NO_STOCK',
      reserveInput([
        { sku: 'scarce', quantity: 2 },
        { sku: 'scarce', orderLineId: 'line-2' },
      ]),
    ],
    ['RULE_LIMIT', reserveInput([{ sku: 'A', quantity: 1_001 }])],
    ['UNKNOWN_SKU', reserveInput([{ sku: 'A' }, { sku: 'nothing' }])],
  ])('leaves no trace: %s', async (reason, input) => {
    const before = await traceOf(one);
    expect(reasonOf(await reserveOne(one, input))).toBe(reason);
    expect(await traceOf(one)).toBe(before);
  });

  test('may be sent again under its id and is decided anew', async () => {
    await stockUp(one, ['late'], 0);
    const input = reserveInput([{ sku: 'late' }]);
    expect(reasonOf(await reserveOne(one, input))).toBe('NO_STOCK');
    await stockUp(one, ['late'], 1);
    expect(await reserveOne(two, input)).toMatchObject({ ok: true, replayed: false });
  });

  test('does not spoil the id for another request in the same unit, whose content is the one kept', async () => {
    const refused = reserveInput([{ sku: 'nothing' }]);
    const kept = { ...reserveInput([{ sku: 'A' }]), requestId: refused.requestId, contentHash: OTHER_HASH };
    const [first, second] = await Promise.all([reserveOne(one, refused), reserveOne(one, kept)]);
    expect(reasonOf(first)).toBe('UNKNOWN_SKU');
    const again = await reserveOne(two, kept);
    expect(again).toMatchObject({ ok: true, replayed: true });
    expect(reservationOf(again)).toEqual(reservationOf(second));
    expect(reasonOf(await reserveOne(two, refused))).toBe('REQUEST_ID_REUSED');
  });
});

describe('R10: a request id', () => {
  test('has one effect and one answer, from two processes at once', async () => {
    const input = reserveInput([{ sku: 'A', quantity: 2 }]);
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, at) => reserveOne(at % 2 === 0 ? one : two, input)),
    );
    const ids = new Set(outcomes.map((outcome) => reservationOf(outcome)?.trackingId));
    expect(ids.size).toBe(1);
    expect(outcomes.filter((outcome) => outcome.ok && !outcome.replayed)).toHaveLength(1);
    const stored = await one.database.pool.query('select 1 from reservation where exchange_id = $1', [
      input.exchangeId,
    ]);
    expect(stored.rowCount).toBe(1);
  });

  test('is answered as first given, not as things are today', async () => {
    const input = reserveInput([{ sku: 'A' }]);
    const first = await reserveOne(one, input);
    const target = { by: 'exchange' as const, id: input.exchangeId };
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' };
    const release = () => releaseReservation(one, { ...key, target, reason: 'CANCELLED', note: '' }, CALL);
    const released = await release();
    const third = await openTestService(database.url);
    expect(await reserveOne(third, input)).toEqual({ ...first, replayed: true });
    await third.close();
    expect(await release()).toEqual({ ...released, replayed: true });
  });

  test('with another request is refused, changes nothing, also at once from two processes', async () => {
    const input = reserveInput([{ sku: 'A' }]);
    const other = { ...reserveInput([{ sku: 'B' }]), requestId: input.requestId, contentHash: OTHER_HASH };
    const outcomes = await Promise.all([reserveOne(one, input), reserveOne(two, other)]);
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
    expect(outcomes.map(reasonOf)).toContain('REQUEST_ID_REUSED');
    const before = await traceOf(one);
    const loser = outcomes[0]?.ok ? other : input;
    expect(reasonOf(await reserveOne(one, loser))).toBe('REQUEST_ID_REUSED');
    expect(await traceOf(one)).toBe(before);
  });

  test('belongs to its principal and its method', async () => {
    const input = reserveInput([{ sku: 'A' }]);
    await reserveOne(one, input);
    const target = { by: 'exchange' as const, id: input.exchangeId };
    const key = { requestId: input.requestId, contentHash: OTHER_HASH, etag: '' };
    const released = await releaseReservation(one, { ...key, target, reason: 'CANCELLED', note: '' }, CALL);
    expect(released).toMatchObject({ ok: true, replayed: false });
  });

  test('is found again after the reservation it made was replaced by a newer one', async () => {
    const input = reserveInput([{ sku: 'A' }]);
    const first = await reserveOne(one, input);
    const target = { by: 'exchange' as const, id: input.exchangeId };
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' };
    await releaseReservation(one, { ...key, target, reason: 'CANCELLED', note: '' }, CALL);
    const next = await reserveOne(two, reserveInput([{ sku: 'A' }], { exchangeId: input.exchangeId }));
    expect(reservationOf(next)?.reservationId).not.toBe(reservationOf(first)?.reservationId);
    expect(reservationOf(await reserveOne(one, input))).toEqual(reservationOf(first));
  });
});

describe('a command that fails by a bug', () => {
  const thrown = new Error('a bug in a decision');
  const broken: Command = {
    name: 'broken',
    caller: CALL.caller,
    claim: { method: 'Broken', requestId: randomUUID(), contentHash: CONTENT_HASH },
    needs: NO_NEEDS,
    lineCount: 1,
    trace: null,
    decide: () => {
      throw thrown;
    },
  };

  test('fails alone where its decision throws', async () => {
    const [before, failed, after] = await Promise.allSettled([
      reserveOne(one, reserveInput([{ sku: 'A' }])),
      one.unitOfWork.submit([broken], { lane: 'caller' }),
      reserveOne(one, reserveInput([{ sku: 'A' }])),
    ]);
    expect(failed).toEqual({ status: 'rejected', reason: thrown });
    expect([before, after]).toMatchObject([{ value: { ok: true } }, { value: { ok: true } }]);
    const claim = await one.database.pool.query('select 1 from request_claim where request_id = $1', [
      broken.claim?.requestId,
    ]);
    expect(claim.rowCount).toBe(0);
  });

  test('fails alone where PostgreSQL refuses what it writes', async () => {
    const item = { itemId: randomUUID(), sku: 'x'.repeat(129), name: '', tracking: 'QUANTITY' as const, product: '' };
    const items = [{ ...item, attributes: {}, equivalentSkus: [], retired: false }];
    const neighbours = Array.from({ length: 9 }, () => reserveOne(one, reserveInput([{ sku: 'B' }])));
    const bad = putItems(one, { requestId: randomUUID(), contentHash: CONTENT_HASH, items }, CALL);
    await expect(bad).rejects.toMatchObject({ code: '23514' });
    expect((await Promise.all(neighbours)).every((outcome) => outcome.ok)).toBe(true);
  });
});

test('R3: a connection lost in the middle of a unit repeats the unit, which has one effect', async () => {
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  let going = true;
  const lost = () => two.failures.filter(({ failure }) => failure === 'connection').length;
  const exchanges: string[] = [];
  // Only once all callers had an answer since the last: a unit that loses every try is refused, and rightly.
  const kill = async () => {
    let answeredBefore = 0;
    while (going && lost() < CONNECTIONS_LOST) {
      const answered = exchanges.length;
      if (answered < answeredBefore + CALLERS) await pause(1);
      else {
        const killed = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'earmark' and state <> 'idle'`);
        if (killed.rows.length > 0) answeredBefore = answered;
      }
    }
    going = false;
  };
  const call = async () => {
    while (going) {
      const input = reserveInput([{ sku: 'plenty' }]);
      expect(await reserveOne(two, input)).toMatchObject({ ok: true, replayed: false });
      exchanges.push(input.exchangeId);
    }
  };
  await Promise.all([kill(), ...Array.from({ length: CALLERS }, call)]).finally(() => {
    going = false;
  });
  const stored = await admin.query<{ exchange_id: string }>(
    `select r.exchange_id from reservation r join allocation a using (reservation_id) where a.sku = 'plenty'`,
  );
  await admin.end();
  expect(stored.rows.map((row) => row.exchange_id).sort()).toEqual(exchanges.sort());
});
