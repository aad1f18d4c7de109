import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { openOrm } from './orm.ts';

/** The database of one process: MikroORM and the connection pools it owns. */
export interface Database {
  readonly orm: MikroORM;
  /** For reading, and for everything that is no unit of work. */
  readonly pool: Pool;
  /** For units of work, whose statements are planned once. */
  readonly unitPool: Pool;
  close(): Promise<void>;
}

/** Opens a migrated database. Nothing is connected until the first use. */
export async function openDatabase(databaseUrl: string): Promise<Database> {
  const orm = await openOrm(databaseUrl, { pipeline: true });
  const units = await openOrm(databaseUrl, { pipeline: true, fixedPlans: true });
  return {
    orm,
    pool: await orm.em.getConnection().getNativeClient(),
    unitPool: await units.em.getConnection().getNativeClient(),
    close: async () => {
      await Promise.all([orm.close(true), units.close(true)]);
    },
  };
}
