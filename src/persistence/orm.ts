import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, MikroORM, type Options } from '@mikro-orm/postgresql';
import { TABLES } from './tables/tables.ts';

/** Connections one process may hold for reading and for the relay, and as many again for units of work. */
const CONNECTIONS_MAX = 8;

/**
 * The statements of a unit are few, fixed, and find their rows by index. Planned for each execution anew, as PostgreSQL
 * does where it hopes that the values help, they cost more to plan than to run; planned once while a table is still
 * small, they would scan it for ever. So: planned once, and by index.
 */
const FIXED_PLANS =
  '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off';

/** Limits of every connection, in milliseconds: what takes longer is given up and retried or refused. */
const CONNECTION_LIMITS = {
  statement_timeout: 5_000,
  lock_timeout: 1_000,
  idle_in_transaction_session_timeout: 10_000,
  connectionTimeoutMillis: 3_000,
  // Kept by this side, for a server or a network that has fallen silent keeps no limit of its own.
  query_timeout: 12_000,
} as const;

/** Limits while migrating: processes that start together wait for the one that migrates. */
const MIGRATION_LIMITS = { lock_timeout: 60_000, connectionTimeoutMillis: 10_000, query_timeout: 120_000 } as const;

interface OrmOptions {
  readonly migrationsList?: NonNullable<Options['migrations']>['migrationsList'];
  /** Sends statements without waiting for each other's answers. */
  readonly pipeline?: boolean;
  readonly applicationName?: string;
  /** For the statements of units of work. */
  readonly fixedPlans?: boolean;
}

/** Opens MikroORM on a database. Migrations run with longer limits than the service's own connections. */
export async function openOrm(databaseUrl: string, options: OrmOptions = {}): Promise<MikroORM> {
  const migrating = options.migrationsList !== undefined;
  const limits = migrating ? MIGRATION_LIMITS : CONNECTION_LIMITS;
  return await MikroORM.init(
    defineConfig({
      clientUrl: databaseUrl,
      entities: TABLES,
      extensions: [Migrator],
      ...(migrating
        ? { migrations: { migrationsList: options.migrationsList, snapshot: false, transactional: true, silent: true } }
        : {}),
      pool: { min: 0, max: migrating ? 2 : CONNECTIONS_MAX },
      driverOptions: {
        application_name: options.applicationName ?? 'earmark',
        pipeline: options.pipeline ?? false,
        ...(options.fixedPlans === true ? { options: FIXED_PLANS } : {}),
        ...limits,
      },
      forceUtcTimezone: true,
      debug: false,
    } as Options),
  );
}
