import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/persistence/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const PROCESSES = 20;
const STARTS_MAX_MS = 110_000;
const MIGRATE = new URL('../../src/persistence/migrate.ts', import.meta.url).href;

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase('migrate', 'template1');
});

afterEach(() => database.drop());

/** Tells that it is ready, waits for the signal all wait for, and migrates. */
const SCRIPT = `
  import pg from 'pg';
  const { migrate } = await import(${JSON.stringify(MIGRATE)});
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  await client.query('insert into start.ready default values');
  await client.query('select pg_advisory_lock_shared(1)');
  await client.end();
  await migrate(process.env.DATABASE_URL);
`;

test('twenty processes that start at once on an empty database all succeed, and one migrates', async () => {
  const gate = new pg.Client({ connectionString: database.url });
  await gate.connect();
  await gate.query('create schema start');
  await gate.query('create table start.ready (at timestamptz default clock_timestamp())');
  await gate.query('select pg_advisory_lock(1)');
  const started = Array.from({ length: PROCESSES }, () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT], {
      env: { ...process.env, DATABASE_URL: database.url },
      timeout: STARTS_MAX_MS,
    }),
  );
  const all = Promise.all(started);
  await Promise.race([all, everyoneReady(gate)]);
  await gate.query('select pg_advisory_unlock(1)');
  const outputs = await all;
  const applied = await gate.query('select name from mikro_orm_migrations order by name');
  const incarnations = await gate.query('select 1 from incarnation');
  await gate.end();
  expect(outputs).toHaveLength(PROCESSES);
  expect(outputs.map(({ stdout, stderr }) => stdout + stderr).join('')).toBe('');
  expect(applied.rows).toEqual(MIGRATIONS.map(({ name }) => ({ name })));
  expect(incarnations.rowCount).toBe(1);
}, 120_000);

async function everyoneReady(gate: pg.Client): Promise<void> {
  const deadline = Date.now() + STARTS_MAX_MS;
  while (Date.now() < deadline) {
    const ready = await gate.query<{ count: number }>('select count(*)::int as count from start.ready');
    if (ready.rows[0]?.count === PROCESSES) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the processes did not start in time');
}
