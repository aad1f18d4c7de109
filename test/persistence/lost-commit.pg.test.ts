import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { readFate } from '../../src/persistence/unit.ts';
import type { Outcome } from '../../src/ports.ts';
import { extendReservation, fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { receiveStock } from '../../src/use-cases/stock.ts';
import { type CommitCutter, startCommitCutter } from '../support/commit-cutter.ts';
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
let cutter: CommitCutter;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('lost_commit');
  cutter = await startCommitCutter(database.url);
  service = await openTestService(cutter.url);
  await stockUp(service, ['A'], 1_000);
});

afterAll(async () => {
  const report = await createLedgerAuditor(service.database.pool).verify();
  await service.close();
  await cutter.close();
  await database.drop();
  expect(report.drifts).toEqual([]);
});

const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH, etag: '' });

async function reserved(): Promise<string> {
  const input = reserveInput([{ sku: 'A' }]);
  await reserveOne(service, input);
  return input.exchangeId;
}

/** Every kind of changing call, each on something of its own. */
const CALLS: Record<string, () => Promise<() => Promise<Outcome>>> = {
  Reserve: async () => {
    const input = reserveInput([{ sku: 'A' }]);
    return () => reserveOne(service, input);
  },
  Release: async () => {
    const target = { by: 'exchange' as const, id: await reserved() };
    const input = { ...key(), target, reason: 'CANCELLED' as const, note: '' };
    return () => releaseReservation(service, input, CALL);
  },
  Fulfil: async () => {
    const target = { by: 'exchange' as const, id: await reserved() };
    const input = { ...key(), target, lines: [], close: false };
    return () => fulfilReservation(service, input, CALL);
  },
  Extend: async () => {
    const target = { by: 'exchange' as const, id: await reserved() };
    const input = { ...key(), target, expireAt: Date.now() + 30 * 86_400_000 };
    return () => extendReservation(service, input, CALL);
  },
  ReceiveStock: async () => {
    const receipts = [{ sku: 'A', warehouse: 'W1', delta: { onHand: 1 } }];
    const input = { ...key(), reason: 'delivery', receipts };
    return () => receiveStock(service, input, CALL);
  },
};

describe.each(['before-commit', 'after-commit'] as const)('a connection lost %s', (cut) => {
  test.each(Object.keys(CALLS))('%s is done once and answered as done by its own caller', async (name) => {
    const call = await CALLS[name]?.();
    if (call === undefined) throw new TypeError('every name has its call');
    const cutsBefore = cutter.cuts();
    cutter.arm(cut);
    const first = await call();
    expect(cutter.cuts()).toBe(cutsBefore + 1);
    expect(first).toMatchObject({ ok: true, replayed: false });
    expect(await call()).toEqual({ ...first, replayed: true });
  });
});

test('what a lost commit made true is told once', async () => {
  const before = service.committed.length;
  cutter.arm('after-commit');
  cutter.arm('before-commit');
  await reserveOne(service, reserveInput([{ sku: 'A' }]));
  await reserveOne(service, reserveInput([{ sku: 'A' }]));
  expect(service.committed.slice(before).map(({ kind }) => kind)).toEqual(['reserved', 'reserved']);
});

describe('the fate of a transaction', () => {
  const input = reserveInput([{ sku: 'A' }]);
  const command = (requestId: string) =>
    ({ caller: CALL.caller, claim: { method: 'Reserve', requestId, contentHash: CONTENT_HASH } }) as never;
  const outcomes = (requestId: string) => new Map([[command(requestId), { ok: true, replayed: false } as never]]);

  async function fateOf(xid: string, requestId: string) {
    const client = await service.database.unitPool.connect();
    try {
      return await readFate(client, xid, outcomes(requestId));
    } finally {
      client.release();
    }
  }

  test("is told by what it kept, not by its id alone: after a crash the id may be another transaction's", async () => {
    await reserveOne(service, input);
    const { rows } = await service.database.pool.query(
      'select xmin::text as xid from request_claim where request_id = $1',
      [input.requestId],
    );
    expect(await fateOf(rows[0].xid, input.requestId)).toBe('committed');
    expect(await fateOf(rows[0].xid, 'lost with the crash')).toBe('aborted');
  });

  test('is that it never was, where the server has forgotten its id', async () => {
    const { rows } = await service.database.pool.query(
      'select (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text as xid',
    );
    expect(await fateOf(rows[0].xid, input.requestId)).toBe('aborted');
  });
});
