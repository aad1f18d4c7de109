import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { type Command, NO_NEEDS } from '../../src/ports.ts';
import { reserve } from '../../src/use-cases/reserve.ts';
import { putItems, receiveStock } from '../../src/use-cases/stock.ts';
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
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('neighbours');
  service = await openTestService(database.url);
  await stockUp(service, ['A', 'held'], 1_000);
});

afterAll(async () => {
  const report = await createLedgerAuditor(service.database.pool).verify();
  await service.close();
  await database.drop();
  expect(report.drifts).toEqual([]);
});

/** A command whose decision is a bug. */
function brokenCommand(): Command {
  return {
    name: 'broken',
    caller: CALL.caller,
    claim: { method: 'broken', requestId: randomUUID(), contentHash: CONTENT_HASH },
    needs: NO_NEEDS,
    lineCount: 1,
    trace: null,
    decide: () => {
      throw new TypeError('a bug of ours');
    },
  };
}

test('one broken command of a group is refused as INTERNAL in its place; the others keep their answers', async () => {
  const good = brokenCommand();
  const answer = { kind: 'swept', count: 1 } as const;
  const commands = [
    { ...good, claim: null, decide: () => ({ answer }) },
    brokenCommand(),
    { ...good, claim: null, decide: () => ({ answer }) },
  ];
  const outcomes = await service.unitOfWork.submit(commands, { lane: 'caller' });
  expect(outcomes).toMatchObject([
    { ok: true, answer },
    { ok: false, refusal: { reason: 'INTERNAL' } },
    { ok: true, answer },
  ]);
});

test('a request of a batch that PostgreSQL refuses does not hide what the others reserved', async () => {
  const inputs = [
    reserveInput([{ sku: 'A' }]),
    reserveInput([{ sku: 'A' }], { customerRef: 'a\u0000b' }),
    reserveInput([{ sku: 'A' }]),
  ];
  const outcomes = await reserve(service, inputs, CALL);
  expect(outcomes).toMatchObject([{ ok: true }, { ok: false, refusal: { reason: 'INTERNAL' } }, { ok: true }]);
  expect(await reserveOne(service, inputs[2] ?? reserveInput([]))).toEqual({ ...outcomes[2], replayed: true });
});

test('who needs stock that somebody holds waits alone', async () => {
  const holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  await holder.query(`begin; select * from stock_pool where sku = 'held' for no key update`);
  const waiting = Array.from({ length: 4 }, () => reserveOne(service, reserveInput([{ sku: 'held' }])));
  for (let round = 0; round < 4; round += 1) {
    waiting.push(reserveOne(service, reserveInput([{ sku: 'held' }])));
    expect(await reserveOne(service, reserveInput([{ sku: 'A' }]))).toMatchObject({ ok: true });
  }
  await holder.query('rollback');
  await holder.end();
  // Answered before they were given up as CONFLICT: nobody who needs other stock has waited for them.
  expect((await Promise.all(waiting)).every((outcome) => outcome.ok)).toBe(true);
});

test('a request whose rows are never found is given up alone', async () => {
  const lost = reserveInput([{ sku: 'A' }]);
  const { pool } = service.database;
  await pool.query('insert into exchange (exchange_id, reservation_id) values ($1, gen_random_uuid())', [
    lost.exchangeId,
  ]);
  const outcomes = await Promise.all([
    reserveOne(service, reserveInput([{ sku: 'A' }])),
    reserveOne(service, lost),
    reserveOne(service, reserveInput([{ sku: 'A' }])),
  ]);
  await pool.query('delete from exchange where exchange_id = $1', [lost.exchangeId]);
  expect(outcomes).toMatchObject([{ ok: true }, { ok: false, refusal: { reason: 'CONFLICT' } }, { ok: true }]);
});

test('stock of an item that is put in the same unit is received as if it came after', async () => {
  const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });
  const plain = { tracking: 'QUANTITY' as const, product: '', attributes: {}, equivalentSkus: [], retired: false };
  const item = { ...plain, itemId: randomUUID(), sku: 'new', name: 'new' };
  const receipts = [{ sku: 'new', warehouse: 'W1', delta: { onHand: 5 } }];
  const outcomes = await Promise.all([
    putItems(service, { ...key(), items: [item] }, CALL),
    receiveStock(service, { ...key(), reason: 'delivery', receipts }, CALL),
  ]);
  expect(outcomes).toMatchObject([{ ok: true }, { ok: true, answer: { levels: [{ sku: 'new', onHand: 5 }] } }]);
});

test('a request whose statements take too long is given up alone', async () => {
  await service.database.pool.query(`
    create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end';
    create trigger dawdle before insert on order_line for each row when (new.order_line_id = 'slow') execute function dawdle()`);
  const [good, slow] = await Promise.all([
    reserveOne(service, reserveInput([{ sku: 'A' }])),
    reserveOne(service, reserveInput([{ sku: 'A', orderLineId: 'slow' }])),
  ]);
  expect(good).toMatchObject({ ok: true, replayed: false });
  expect(slow).toMatchObject({ ok: false, refusal: { reason: 'CONFLICT' } });
});
