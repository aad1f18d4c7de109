import type { Pool } from 'pg';
import type { PoolRef } from '../domain/working-set.ts';
import type { ChangeFeed, ChangeSet } from '../ports.ts';
import { millis, NOW } from './statements.ts';

/** Pools past whose deadline one read looks; more of them are found by the next read. */
const DUE_POOLS_MAX = 10_000;

/**
 * The database as the feed: what the outbox says has changed since an earlier read. Positions are transaction ids
 * below which everything is finished, so no commit can slip through; overlap is harmless, the version decides.
 */
export function createChangeFeed(pool: Pool): ChangeFeed {
  return {
    position: () => position(pool),
    since: (from) => since(pool, from),
    duePools: () => duePools(pool),
  };
}

const POSITION = `select pg_snapshot_xmin(pg_current_snapshot())::text as position,
  ${millis(NOW)} as as_of, i.epoch::text as epoch`;

async function position(pool: Pool) {
  const result = await pool.query<{ position: string; as_of: number; epoch: string }>({
    name: 'feed-position',
    text: `${POSITION} from incarnation i`,
  });
  const [row] = result.rows;
  if (row === undefined) throw new Error('the database has not been migrated');
  return { position: BigInt(row.position), asOf: row.as_of, epoch: row.epoch };
}

interface ChangeRow {
  readonly position: string;
  readonly as_of: number;
  readonly epoch: string;
  readonly oldest: string | null;
  readonly pools: string;
  readonly reservations: string[];
}

async function since(pool: Pool, from: bigint): Promise<ChangeSet> {
  const result = await pool.query<ChangeRow>({
    name: 'feed-since',
    text: `${POSITION},
        (select o.xid::text from outbox o order by o.outbox_id limit 1) as oldest,
        coalesce((select json_agg(distinct jsonb_build_array(o.key, o.warehouse)) from outbox o
          where o.topic = 'pool' and o.xid >= $1::text::xid8), '[]')::text as pools,
        array(select distinct o.key from outbox o where o.topic = 'reservation' and o.xid >= $1::text::xid8) as reservations
      from incarnation i`,
    values: [String(from)],
  });
  const [row] = result.rows;
  if (row === undefined) throw new Error('the database has not been migrated');
  const pools = JSON.parse(row.pools) as [string, string][];
  return {
    position: BigInt(row.position),
    asOf: row.as_of,
    epoch: row.epoch,
    pools: pools.map(([sku, warehouse]) => ({ sku, warehouse })),
    reservationIds: row.reservations,
    complete: row.oldest === null ? BigInt(row.position) <= from : BigInt(row.oldest) <= from,
  };
}

async function duePools(pool: Pool): Promise<PoolRef[]> {
  const result = await pool.query<PoolRef>({
    name: 'due-pools',
    text: `select distinct a.sku, a.warehouse from reservation r join allocation a using (reservation_id)
      where r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW} and a.reserved > 0
      limit ${DUE_POOLS_MAX}`,
  });
  return result.rows;
}
