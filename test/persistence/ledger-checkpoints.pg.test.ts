import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createCheckpoints } from '../../src/persistence/checkpoints.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Checkpoint, CheckpointLease } from '../../src/ports/checkpoints.ts';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';
import { reserveInput, reserveOne } from '../support/test-service.ts';

const COVER_MAX_MS = 20_000;

let ledger: PlantedLedger;
let first: Checkpoint;

beforeAll(async () => {
  ledger = await openPlantedLedger();
  first = await cover(5);
});

afterAll(() => ledger.close());

const pool = () => ledger.service.database.pool;
const id = (at: number): string => ledger.made[at]?.reservationId ?? '';
const tracking = (at: number): string => ledger.made[at]?.trackingId ?? '';

async function lead(batchMax?: number): Promise<CheckpointLease> {
  const lease = await createCheckpoints(pool(), batchMax === undefined ? {} : { batchMax }).lead();
  if (lease === null) throw new Error('another has the lease');
  return lease;
}

/** Makes checkpoints until one covers so many events. */
async function cover(size: number, batchMax?: number): Promise<Checkpoint> {
  const lease = await lead(batchMax);
  try {
    return await vi.waitFor(async () => {
      const made = await lease.extend();
      if (made === null || made.checkpoint.size < size) throw new Error(`${size} events are not covered yet`);
      return made.checkpoint;
    }, COVER_MAX_MS);
  } finally {
    await lease.release();
  }
}

async function eventOf(reservationId: string, version: number): Promise<{ event_id: string; body: Buffer }> {
  const text = 'select event_id, body from audit_event where reservation_id = $1 and version = $2';
  return (await ledger.sql.query(text, [reservationId, version])).rows[0];
}

test('a checkpoint covers every event, and verifying the ledger shows it', async () => {
  expect(first).toMatchObject({ size: 5, root: expect.any(Buffer) });
  const { rows } = await ledger.sql.query('select leaf_index::int as at from audit_leaf order by leaf_index');
  expect(rows.map((row) => row.at)).toEqual([0, 1, 2, 3, 4]);
  for (const chunkSize of [1, 500]) {
    const report = await createLedgerAuditor(pool(), { chunkSize }).verify({ knownCheckpoints: [first] });
    expect(report).toMatchObject({ drifts: [], eventsUncovered: 0, checkpoint: { size: 5, root: first.root } });
  }
});

test('only one at a time has the lease, and what it made is there for the next', async () => {
  const lease = await lead();
  expect(await createCheckpoints(pool()).lead()).toBeNull();
  await lease.release();
  const next = await lead();
  await next.release();
});

describe('found and named', () => {
  test('REMOVED_EVENT: the last event of a reservation, with the reservation set back', async () => {
    const gone = await eventOf(id(1), 2);
    const drifts = await ledger.plant(['delete from audit_event where reservation_id = $1 and version = 2'], [id(1)]);
    const named = { kind: 'REMOVED_EVENT', trackingId: tracking(1), eventId: gone.event_id };
    expect(drifts).toContainEqual(expect.objectContaining(named));
  });

  test('REMOVED_EVENT: an event whose neighbour was rewritten to close the chain', async () => {
    const gone = await eventOf(id(1), 1);
    const after = await eventOf(id(1), 2);
    const drifts = await ledger.plant(
      [
        'delete from audit_event where reservation_id = $1 and version = 1',
        `update audit_event set version = 1, hash = sha256(decode(repeat('00', 32), 'hex') || replaced), body = replaced
         from (select convert_to(replace(convert_from(body, 'UTF8'), '"version":2', '"version":1'), 'UTF8') as replaced
           from audit_event where reservation_id = $1) r where reservation_id = $1`,
        'update reservation set version = 1 where reservation_id = $1',
        "delete from outbox where topic = 'reservation' and key = $1::uuid::text and version = 2",
      ],
      [id(1)],
    );
    const place = { trackingId: tracking(1) };
    expect(drifts.filter((drift) => !drift.kind.endsWith('_EVENT'))).toEqual([]);
    expect(drifts).toContainEqual(
      expect.objectContaining({ kind: 'REMOVED_EVENT', ...place, eventId: after.event_id }),
    );
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'ALTERED_EVENT', ...place, eventId: gone.event_id }));
  });

  test('REMOVED_EVENT: a reservation that was taken out with everything that told of it', async () => {
    const gone = await eventOf(id(2), 1);
    const drifts = await ledger.plant(
      ['notification', 'audit_event', 'allocation', 'exchange', 'reservation']
        .map((table) => `delete from ${table} where reservation_id = $1`)
        .concat([
          "delete from outbox where topic = 'reservation' and key = $1::uuid::text",
          'delete from order_line o where not exists (select 1 from reservation r where r.order_id = o.order_id)',
        ]),
      [id(2)],
    );
    expect(new Set(drifts.map((drift) => drift.kind))).toEqual(new Set(['REMOVED_EVENT']));
    expect(drifts.map((drift) => drift.eventId)).toContain(gone.event_id);
  });

  test('ALTERED_EVENT: an event that was altered and hashed anew', async () => {
    const altered = await eventOf(id(0), 1);
    const drifts = await ledger.plant(
      [
        `update audit_event set body = replaced, hash = sha256(decode(repeat('00', 32), 'hex') || replaced)
         from (select convert_to(replace(convert_from(body, 'UTF8'), '"SIZE"', '"GIFT"'), 'UTF8') as replaced
           from audit_event where reservation_id = $1 and version = 1) r where reservation_id = $1`,
      ],
      [id(0)],
    );
    const named = { kind: 'ALTERED_EVENT', trackingId: tracking(0), eventId: altered.event_id };
    expect(drifts).toEqual([expect.objectContaining(named)]);
  });

  test('UNCOVERED_EVENT and CHECKPOINT: a leaf that is gone', async () => {
    const drifts = await ledger.plant(['delete from audit_leaf where leaf_index = 4']);
    expect(drifts.map((drift) => drift.kind).sort()).toEqual(['CHECKPOINT', 'UNCOVERED_EVENT']);
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'CHECKPOINT', expected: 5, actual: 4 }));
  });

  test('UNCOVERED_EVENT: an event that was slipped in before the last checkpoint', async () => {
    const drifts = await ledger.plant(
      [
        `insert into audit_event (reservation_id, version, event_id, kind, actor, create_time, body, hash)
         select reservation_id, 3, gen_random_uuid(), kind, actor, create_time, body, hash from audit_event
         where reservation_id = $1 and version = 2`,
      ],
      [id(1)],
    );
    expect(drifts.filter((drift) => drift.kind === 'UNCOVERED_EVENT')).toHaveLength(1);
  });

  test('CHECKPOINT: leaves that were made to fit', async () => {
    const drifts = await ledger.plant([
      `update audit_leaf set hash = e.hash from (select sha256(hash) as hash from audit_leaf where leaf_index = 2) e
       where leaf_index = 2`,
      `update audit_event e set hash = l.hash from audit_leaf l
       where l.leaf_index = 2 and e.reservation_id = l.reservation_id and e.version = l.version`,
    ]);
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'CHECKPOINT', expected: 1, actual: 0 }));
  });

  test('CHECKPOINT: a ledger made anew does not hold a checkpoint that was kept elsewhere', async () => {
    const other = { size: 3, root: Buffer.alloc(32, 1) };
    const larger = { size: 9, root: Buffer.alloc(32, 1) };
    const { drifts } = await createLedgerAuditor(pool()).verify({ knownCheckpoints: [larger, other] });
    expect(drifts.map(({ kind, expected, actual }) => [kind, expected, actual])).toEqual([
      ['CHECKPOINT', 1, 0],
      ['CHECKPOINT', 9, 5],
    ]);
  });
});

test('an event that is committed late is covered by the checkpoint after', async () => {
  await ledger.sql.query('begin');
  await ledger.sql.query('select pg_current_xact_id()');
  await reserveOne(ledger.service, reserveInput([{ sku: 'A' }]));
  const lease = await lead();
  for (let tries = 0; tries < 20; tries += 1) expect(await lease.extend()).toBeNull();
  await ledger.sql.query('commit');
  await lease.release();
  const uncovered = await createLedgerAuditor(pool()).verify();
  expect(uncovered).toMatchObject({ drifts: [], eventsUncovered: 1, checkpoint: { size: 5 } });
  const second = await cover(6);
  const report = await createLedgerAuditor(pool()).verify({ knownCheckpoints: [first, second] });
  expect(report).toMatchObject({ drifts: [], eventsUncovered: 0, checkpoint: { size: 6 } });
});

test('many events are covered in batches, each by a checkpoint that the ledger holds', async () => {
  for (let count = 0; count < 5; count += 1) await reserveOne(ledger.service, reserveInput([{ sku: 'B' }]));
  await cover(11, 2);
  const { rows } = await ledger.sql.query('select size::int as size from audit_checkpoint order by size');
  expect(rows.map((row) => row.size)).toEqual([5, 6, 8, 10, 11]);
  for (const chunkSize of [1, 500]) {
    const report = await createLedgerAuditor(pool(), { chunkSize }).verify();
    expect(report).toMatchObject({ drifts: [], eventsUncovered: 0 });
  }
});

test('leaves and checkpoints are never changed', async () => {
  for (const table of ['audit_leaf', 'audit_checkpoint']) {
    for (const change of [`delete from ${table}`, `truncate ${table}`]) {
      await expect(ledger.sql.query(change)).rejects.toThrow(/append-only/);
    }
  }
});
