import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { openOrm } from './orm.ts';

/** The database of one process: MikroORM and the connection pool it owns. */
export interface Database {
  readonly orm: MikroORM;
  readonly pool: Pool;
  close(): Promise<void>;
}

/** Opens a migrated database. Nothing is connected until the first use. */
export async function openDatabase(databaseUrl: string): Promise<Database> {
  const orm = await openOrm(databaseUrl, { pipeline: true });
  const pool = await orm.em.getConnection().getNativeClient();
  return { orm, pool, close: () => orm.close(true) };
}
