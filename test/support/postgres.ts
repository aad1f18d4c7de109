import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

/** The migrated database that test databases are copied from. */
export const TEMPLATE_DATABASE = 'earmark_template';

/** A database of one test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Removes the database, ending connections that are still open. */
  drop(): Promise<void>;
}

/**
 * Creates a database with the current schema; `prefix` (a–z, 0–9, `_`) begins its name.
 * @param template another template than the migrated one, such as PostgreSQL's own empty `template1`
 */
export async function createTestDatabase(prefix: string, template = TEMPLATE_DATABASE): Promise<TestDatabase> {
  const adminUrl = inject('pgAdminUrl');
  const name = `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await withAdmin(adminUrl, async (admin) => {
    await admin.query(`create database "${name}" template "${template}"`);
  });
  return {
    url: withDatabase(adminUrl, name),
    drop: () =>
      withAdmin(adminUrl, async (admin) => {
        await admin.query(`drop database if exists "${name}" with (force)`);
      }),
  };
}

/** The same server and credentials, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function withAdmin(adminUrl: string, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
