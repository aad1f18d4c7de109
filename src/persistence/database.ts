import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool, PoolClient } from 'pg';
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
  // A connection may break while it is taken and nothing is asked of it; whoever asks next is told. Without a listener
  // of ours the driver's event would end the process.
  pool.on('connect', (client: PoolClient) => client.on('error', () => undefined));
  return { orm, pool, close: () => orm.close(true) };
}
