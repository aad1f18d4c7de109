import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const BLOCKED_DEADLINE_MS = 10_000;
const POLL_MS = 5;

/** A transaction of a stranger that holds every pool of a SKU, so that two processes can be brought to one point. */
export interface HeldPools {
  /** Waits until so many connections wait for a lock. @throws Error where they do not */
  waitForBlocked(connections: number): Promise<void>;
  letGo(): Promise<void>;
}

export async function holdPools(databaseUrl: string, sku: string): Promise<HeldPools> {
  const [holder, watcher] = [new pg.Client(databaseUrl), new pg.Client(databaseUrl)];
  await Promise.all([holder.connect(), watcher.connect()]);
  await holder.query('begin');
  await holder.query('select 1 from stock_pool where sku = $1 for no key update', [sku]);
  return {
    waitForBlocked: async (connections) => {
      const deadline = performance.now() + BLOCKED_DEADLINE_MS;
      for (;;) {
        const { rows } = await watcher.query<{ blocked: number }>(
          `select count(*)::int as blocked from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`,
        );
        if ((rows[0]?.blocked ?? 0) >= connections) return;
        if (performance.now() > deadline) throw new Error(`${rows[0]?.blocked} connections wait for a lock`);
        await sleep(POLL_MS);
      }
    },
    letGo: async () => {
      await holder.query('rollback');
      await Promise.all([holder.end(), watcher.end()]);
    },
  };
}
