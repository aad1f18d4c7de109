import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashEvent, NO_HASH, readEventBody } from '../../src/persistence/event-body.ts';
import { LEDGER_SQL } from '../../src/persistence/migrations/001-ledger.sql.ts';
import { EVENT_BODIES_SQL } from '../../src/persistence/migrations/005-event-bodies.sql.ts';
import { aReservation } from '../support/arbitraries.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Texts that JSON writes in more than one way. */
const AWKWARD = 'a "quoted" \\ back\b\f\n\r\tslash \u0001\u001f\u007f / \u2028 Größe 尺码 👟 <&>';

let database: TestDatabase;
let sql: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('bodies', 'template1');
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(LEDGER_SQL);
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

const RESERVATION = '01234567-89ab-7def-8123-456789abcdef';

/** Writes an event as it was written before the migration, and answers its hash. */
async function writeOldEvent(version: number, previousHash: Uint8Array, reason: string): Promise<Buffer> {
  const afterJson = JSON.stringify(aReservation({ reservationId: RESERVATION, version, orderId: AWKWARD }));
  const createdAt = 1_767_225_600_000 + version;
  const fields = [randomUUID(), RESERVATION, version, 'extended', AWKWARD, 'SERVICE', AWKWARD, reason, 12_345_678_901];
  const all = [Buffer.from(previousHash).toString('hex'), ...fields, createdAt, 'abc', afterJson];
  const hash = createHash('sha256').update(JSON.stringify(all)).digest();
  await sql.query(
    `insert into audit_event (event_id, reservation_id, version, kind, actor, actor_type, channel, reason, rule_version,
       create_time, trace_id, after_state, previous_hash, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10 / 1000.0), $11, $12, $13, $14)`,
    [...fields, createdAt, 'abc', afterJson, Buffer.from(previousHash), hash],
  );
  return hash;
}

test('events written before keep their hashes and say what they said, and an altered one is still found', async () => {
  const first = await writeOldEvent(1, NO_HASH, AWKWARD);
  const second = await writeOldEvent(2, first, 'as written');
  await sql.query('set session_replication_role = replica');
  await sql.query("update audit_event set reason = 'as altered' where version = 2");
  await sql.query('set session_replication_role = origin');
  await sql.query(EVENT_BODIES_SQL);
  const { rows } = await sql.query<{ body: Buffer; hash: Buffer }>(
    'select body, hash from audit_event order by version',
  );
  expect(rows.map(({ hash }) => hash)).toEqual([first, second]);
  expect(hashEvent(NO_HASH, rows[0]?.body ?? NO_HASH)).toEqual(first);
  expect(hashEvent(first, rows[1]?.body ?? NO_HASH)).not.toEqual(second);
  expect(readEventBody(String(rows[0]?.body))).toMatchObject({
    facts: { reservationId: RESERVATION, version: 1, actor: AWKWARD, channel: AWKWARD, reason: AWKWARD },
    after: { version: 1, orderId: AWKWARD },
  });
  await expect(sql.query('update audit_event set kind = kind')).rejects.toThrow(/append-only/);
});
