import pg from 'pg';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/persistence/database.ts';
import { createTestDatabase } from '../support/postgres.ts';

test('a connection lost while it is taken and idle ends no process', async () => {
  const testDatabase = await createTestDatabase('lost');
  const database = await openDatabase(testDatabase.url);
  const admin = new pg.Client({ connectionString: testDatabase.url });
  await admin.connect();
  const client = await database.pool.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const ended = new Promise<void>((resolve) => void client.once('end', () => resolve()));
  await admin.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await ended;
  await expect(client.query('select 1')).rejects.toThrow();
  client.release(true);
  expect((await database.pool.query('select 1')).rowCount).toBe(1);
  await admin.end();
  await database.close();
  await testDatabase.drop();
});
