import type { MigrationObject } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { FIRST_RULES } from '../domain/rules.ts';
import { LEDGER_SQL } from './migrations/001-ledger.sql.ts';
import { openOrm } from './orm.ts';

/** Any constant that no other program in the database uses: it serialises the starts of all processes. */
const MIGRATION_LOCK = 0x6561726d;

class Ledger extends Migration {
  override up(): void {
    this.addSql(LEDGER_SQL);
    const { version, effectiveAt, ...body } = FIRST_RULES;
    this.addSql(
      `insert into rule_version (version, effective_time, actor, reason, body)
       values (${version}, to_timestamp(${effectiveAt}), 'earmark', 'first rules', '${JSON.stringify(body)}')`,
    );
  }
}

/** Forward only, in this order; a name once released never changes. */
export const MIGRATIONS: MigrationObject[] = [{ name: '001-ledger', class: Ledger }];

/** Brings a database up to date. Processes that start together wait for each other: one migrates, the rest find it done. */
export async function migrate(databaseUrl: string): Promise<void> {
  const orm = await openOrm(databaseUrl, { migrationsList: MIGRATIONS });
  try {
    await orm.em.fork().transactional(async (em) => {
      await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      const transaction = em.getTransactionContext();
      if (transaction === undefined) throw new TypeError('a transaction has a context');
      await orm.migrator.up({ transaction });
    });
  } finally {
    await orm.close(true);
  }
}
