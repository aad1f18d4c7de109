import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationObject } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { classifyFailure } from './failures.ts';
import { FIRST_RULE_VERSION_SQL, LEDGER_SQL } from './migrations/001-ledger.sql.ts';
import { ASSERT_ROWS_SQL } from './migrations/002-assert-rows.sql.ts';
import { RULE_VERSIONS_SQL } from './migrations/003-rule-versions.sql.ts';
import { MILESTONES_SQL } from './migrations/004-milestones.sql.ts';
import { CHECKPOINTS_SQL } from './migrations/005-checkpoints.sql.ts';
import { EVENT_BODIES_SQL } from './migrations/005-event-bodies.sql.ts';
import { REFUSALS_SQL } from './migrations/005-refusals.sql.ts';
import { STOCK_RULES_SQL } from './migrations/006-stock-rules.sql.ts';
import { WAITLIST_SQL } from './migrations/007-waitlist.sql.ts';
import { UNITS_SQL } from './migrations/008-units.sql.ts';
import { NOTIFICATIONS_SQL } from './migrations/009-notifications.sql.ts';
import { SHORTAGES_SQL } from './migrations/009-shortages.sql.ts';
import { EXPIRY_WARNING_SQL } from './migrations/010-expiry-warning.sql.ts';
import { PAST_REQUESTS_SQL } from './migrations/010-past-requests.sql.ts';
import { RESOLVED_RESERVATIONS_SQL } from './migrations/011-resolved-reservations.sql.ts';
import { WANTED_ITEMS_SQL } from './migrations/011-wanted-items.sql.ts';
import { SHORTAGE_CURES_SQL } from './migrations/014-shortage-cures.sql.ts';
import { PICK_AWAITS_SQL } from './migrations/015-pick-awaits.sql.ts';
import { openOrm } from './orm.ts';

/** Any constant that no other program in the database uses: it serialises the starts of all processes. */
const MIGRATION_LOCK = 0x6561726d;

class Ledger extends Migration {
  override up(): void {
    this.addSql(LEDGER_SQL);
    this.addSql(FIRST_RULE_VERSION_SQL);
  }
}

class AssertRows extends Migration {
  override up(): void {
    this.addSql(ASSERT_ROWS_SQL);
  }
}

class RuleVersions extends Migration {
  override up(): void {
    this.addSql(RULE_VERSIONS_SQL);
  }
}

class Milestones extends Migration {
  override up(): void {
    this.addSql(MILESTONES_SQL);
  }
}

class Audit extends Migration {
  override up(): void {
    this.addSql(EVENT_BODIES_SQL);
    this.addSql(CHECKPOINTS_SQL);
    this.addSql(REFUSALS_SQL);
  }
}

class Units extends Migration {
  override up(): void {
    this.addSql(UNITS_SQL);
  }
}

class StockRules extends Migration {
  override up(): void {
    this.addSql(STOCK_RULES_SQL);
  }
}

class Waitlist extends Migration {
  override up(): void {
    this.addSql(WAITLIST_SQL);
  }
}

class Notifications extends Migration {
  override up(): void {
    this.addSql(NOTIFICATIONS_SQL);
  }
}

class Shortages extends Migration {
  override up(): void {
    this.addSql(SHORTAGES_SQL);
  }
}

class RulesTriedAndApplied extends Migration {
  override up(): void {
    this.addSql(PAST_REQUESTS_SQL);
    this.addSql(EXPIRY_WARNING_SQL);
  }
}

class ResolvedReservations extends Migration {
  override up(): void {
    this.addSql(RESOLVED_RESERVATIONS_SQL);
  }
}

class ItemsOfProducts extends Migration {
  override up(): void {
    this.addSql(WANTED_ITEMS_SQL);
  }
}

class CuresOfShortages extends Migration {
  override up(): void {
    this.addSql(SHORTAGE_CURES_SQL);
  }
}

class PickAwaits extends Migration {
  override up(): void {
    this.addSql(PICK_AWAITS_SQL);
  }
}

/** Forward only, in this order; a name once released never changes. */
export const MIGRATIONS: MigrationObject[] = [
  { name: '001-ledger', class: Ledger },
  { name: '002-assert-rows', class: AssertRows },
  { name: '003-rule-versions', class: RuleVersions },
  { name: '004-milestones', class: Milestones },
  { name: '005-audit', class: Audit },
  { name: '006-stock-rules', class: StockRules },
  { name: '007-waitlist', class: Waitlist },
  { name: '008-units', class: Units },
  { name: '009-notifications', class: Notifications },
  { name: '009-shortages', class: Shortages },
  { name: '010-rules', class: RulesTriedAndApplied },
  { name: '011-resolved-reservations', class: ResolvedReservations },
  { name: '011-wanted-items', class: ItemsOfProducts },
  { name: '014-shortage-cures', class: CuresOfShortages },
  { name: '015-pick-awaits', class: PickAwaits },
];

/** How long a start waits for a database that cannot be reached yet, in milliseconds. */
const REACH_MAX_MS = 20_000;

const REACH_PAUSE_MS = 500;

/**
 * Brings a database up to date. Processes that start together wait for each other: one migrates, the rest find it done.
 * @param onAway told why, each time the database cannot be reached; after a while the error is thrown
 */
export async function migrate(databaseUrl: string, onAway: (error: unknown) => void = () => {}): Promise<void> {
  const deadline = performance.now() + REACH_MAX_MS;
  for (;;) {
    try {
      return await migrateOnce(databaseUrl);
    } catch (error) {
      if (classifyFailure(error) !== 'connection' || performance.now() > deadline) throw error;
      onAway(error);
      await sleep(REACH_PAUSE_MS);
    }
  }
}

async function migrateOnce(databaseUrl: string): Promise<void> {
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
