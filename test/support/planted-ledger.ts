import pg from 'pg';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Drift } from '../../src/ports/ledger-auditor.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { createTestDatabase } from './postgres.ts';
import {
  CALL,
  CONTENT_HASH,
  openTestService,
  reserveInput,
  reserveOne,
  stockUp,
  type TestService,
} from './test-service.ts';

const TABLES = [
  'stock_pool',
  'stock_movement',
  'reservation',
  'allocation',
  'allocated_unit',
  'stock_unit',
  'audit_event',
  'audit_leaf',
  'audit_checkpoint',
  'exchange',
  'order_line',
  'waitlist',
  'outbox',
  'notification',
  'shortage',
  'shortage_victim',
  'rule_version',
  'milestone',
];

/** A small ledger in which drifts are planted by plain SQL. */
export interface PlantedLedger {
  readonly service: TestService;
  readonly sql: pg.Client;
  /** Of 3 units each: one live (SKU A), one fulfilled (B), one released (A), in this order, all in W1. */
  readonly made: readonly Reservation[];
  /** Runs the statements without triggers, answers the drifts then found, and takes everything back. */
  plant(statements: readonly string[], values?: readonly unknown[]): Promise<Drift[]>;
  /** Runs `body` while a constraint of a table is gone. */
  without<T>(table: string, constraint: string, body: () => Promise<T>): Promise<T>;
  withoutIndex<T>(index: string, body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openPlantedLedger(): Promise<PlantedLedger> {
  const database = await createTestDatabase('ledger');
  const service = await openTestService(database.url);
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const made = await makeReservations(service);
  return {
    service,
    sql,
    made,
    plant: (statements, values = []) => plant(sql, service, statements, values),
    without: (table, constraint, body) => {
      const definition = `select pg_get_constraintdef(oid) as text from pg_constraint where conname = '${constraint}'`;
      const add = (text: string) => `alter table ${table} add constraint ${constraint} ${text}`;
      return lacking(sql, definition, `alter table ${table} drop constraint ${constraint}`, add, body);
    },
    withoutIndex: (index, body) => {
      const definition = `select indexdef as text from pg_indexes where indexname = '${index}'`;
      return lacking(sql, definition, `drop index ${index}`, (text) => text, body);
    },
    close: async () => {
      await sql.end();
      await service.close();
      await database.drop();
    },
  };
}

async function makeReservations(service: TestService): Promise<Reservation[]> {
  await stockUp(service, ['A', 'B'], 50);
  const made: Reservation[] = [];
  for (const sku of ['A', 'B', 'A']) {
    const outcome = await reserveOne(service, reserveInput([{ sku, quantity: 3 }]));
    if (!outcome.ok || outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) {
      throw new Error(`not reserved: ${JSON.stringify(outcome)}`);
    }
    made.push(outcome.answer.reservation);
  }
  const target = (at: number) => ({ by: 'reservation' as const, id: made[at]?.reservationId ?? '' });
  const key = { contentHash: CONTENT_HASH, etag: '' };
  await fulfilReservation(service, { ...key, requestId: 'f', target: target(1), lines: [], close: false }, CALL);
  const released = { ...key, requestId: 'r', target: target(2), reason: 'CANCELLED' as const, note: '' };
  await releaseReservation(service, released, CALL);
  return made;
}

async function plant(
  sql: pg.Client,
  service: TestService,
  statements: readonly string[],
  values: readonly unknown[],
): Promise<Drift[]> {
  for (const table of TABLES) await sql.query(`create table kept_${table} as table ${table}`);
  await sql.query('set session_replication_role = replica');
  try {
    for (const text of statements) await sql.query(text.includes('$1') ? { text, values: [...values] } : text);
    return [...(await createLedgerAuditor(service.database.pool, { chunkSize: 2 }).verify()).drifts];
  } finally {
    for (const table of TABLES) {
      const identity = table === 'outbox' ? 'overriding system value' : '';
      await sql.query(`truncate ${table}`);
      await sql.query(`insert into ${table} ${identity} select * from kept_${table}`);
      await sql.query(`drop table kept_${table}`);
    }
    await sql.query('set session_replication_role = origin');
  }
}

async function lacking<T>(
  sql: pg.Client,
  definition: string,
  drop: string,
  add: (text: string) => string,
  body: () => Promise<T>,
): Promise<T> {
  const found = await sql.query<{ text: string }>(definition);
  await sql.query(drop);
  try {
    return await body();
  } finally {
    await sql.query(add(found.rows[0]?.text ?? ''));
  }
}
