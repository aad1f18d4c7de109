import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';

test('each test database is new, and gone after drop', async () => {
  const database = await createTestDatabase('shared');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table only_here (id int)');
  await client.end();
  await database.drop();

  const again = new pg.Client({ connectionString: database.url });
  await expect(again.connect()).rejects.toMatchObject({ code: '3D000' });
});

test('the shared nats-server has a URL', () => {
  expect(inject('natsUrl')).toMatch(/^nats:\/\/earmark:[0-9a-f]{48}@127\.0\.0\.1:\d+$/);
});
