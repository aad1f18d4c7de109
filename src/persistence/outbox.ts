import type { Pool, PoolClient } from 'pg';
import type { TransitionKind } from '../domain/transition.ts';
import type { Outbox, OutboxRow, RelayLease, StockReader, Verdict, VerdictNotice } from '../ports.ts';
import { reservationAfter } from './event-body.ts';
import { lockSession } from './session-lock.ts';
import { bodyText, millis } from './statements.ts';

/** Published rows are kept this long, so that a wiped message store can be refilled; in milliseconds: 7 days. */
export const OUTBOX_RETENTION_MS = 604_800_000;

export function createOutbox(pool: Pool, stock: StockReader): Outbox {
  return {
    lead: (shard) => lead(pool, stock, shard),
    backlog: () => backlog(pool),
    prune: (olderThanMs, limit) => prune(pool, olderThanMs, limit),
  };
}

/**
 * The lease is a session lock on a connection of its own: it ends with the process or the connection, and each new
 * holder raises the epoch, so that what a stale holder still publishes is recognised.
 */
async function lead(pool: Pool, stock: StockReader, shard: number): Promise<RelayLease | null> {
  const client = await lockSession(pool, shard);
  if (client === null) return null;
  try {
    const raised = await client.query<{ epoch: string }>(
      'update incarnation set relay_epoch = relay_epoch + 1 returning relay_epoch::text as epoch',
    );
    return holdLease(client, stock, BigInt(raised.rows[0]?.epoch ?? 0));
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function holdLease(client: PoolClient, stock: StockReader, epoch: bigint): RelayLease {
  let held = true;
  client.once('error', () => {
    held = false;
  });
  client.once('end', () => {
    held = false;
  });
  return {
    epoch,
    claim: (limit) => claim(client, stock, limit),
    async markPublished(outboxIds) {
      if (outboxIds.length === 0) return;
      await client.query({
        name: 'mark-published',
        text: 'update outbox set published_time = clock_timestamp() where outbox_id = any($1::bigint[]) and published_time is null',
        values: [outboxIds.map(String)],
      });
    },
    async isHeld() {
      if (!held) return false;
      const result = await client.query<{ epoch: string }>('select relay_epoch::text as epoch from incarnation');
      return result.rows[0]?.epoch === String(epoch);
    },
    async release() {
      held = false;
      client.release(true);
    },
  };
}

interface ClaimedRow {
  readonly outbox_id: string;
  readonly topic: OutboxRow['topic'];
  readonly key: string;
  readonly warehouse: string;
  readonly version: number;
  readonly body: string | null;
  readonly traceparent: string;
  readonly created_at: number;
  readonly kind: TransitionKind | null;
  readonly event_body: string | null;
  readonly body_before: string | null;
}

/** By status, oldest first: a row that commits late is found by the next claim, whatever its number. */
async function claim(client: PoolClient, stock: StockReader, limit: number): Promise<OutboxRow[]> {
  const result = await client.query<ClaimedRow>({
    name: 'claim-outbox',
    text: `select o.outbox_id::text as outbox_id, o.topic, o.key, o.warehouse, o.version::float8 as version,
        o.body::text as body, o.traceparent, ${millis('o.create_time')} as created_at, e.kind,
        ${bodyText('e.body')} as event_body, ${bodyText('b.body')} as body_before
      from (select * from outbox where published_time is null order by outbox_id limit $1::int) o
      left join audit_event e on o.topic = 'reservation'
        and e.reservation_id = case when o.topic = 'reservation' then o.key::uuid end and e.version = o.version
      left join audit_event b on o.topic = 'reservation' and b.reservation_id = e.reservation_id and b.version = e.version - 1
      order by o.outbox_id`,
    values: [limit],
  });
  const refs = result.rows
    .filter((row) => row.topic === 'pool')
    .map((row) => ({ sku: row.key, warehouse: row.warehouse }));
  const unique = [...new Map(refs.map((ref) => [`${ref.sku}\u0000${ref.warehouse}`, ref])).values()];
  const views = new Map(
    (await stock.readPools(unique)).map((view) => [`${view.level.sku}\u0000${view.level.warehouse}`, view]),
  );
  return result.rows.flatMap((row): OutboxRow[] => {
    const facts = {
      outboxId: BigInt(row.outbox_id),
      version: row.version,
      createdAt: row.created_at,
      traceparent: row.traceparent,
    };
    switch (row.topic) {
      case 'reservation':
        return [{ ...facts, topic: row.topic, ...reservationOf(row) }];
      case 'pool': {
        const view = views.get(`${row.key}\u0000${row.warehouse}`);
        return view === undefined ? [] : [{ ...facts, topic: row.topic, view }];
      }
      case 'verdict': {
        const body = JSON.parse(row.body ?? '') as { notice: VerdictNotice; verdict: Verdict };
        return [{ ...facts, topic: row.topic, ...body }];
      }
      default:
        return [];
    }
  });
}

function reservationOf(row: ClaimedRow) {
  if (row.event_body === null || row.kind === null) throw new Error(`outbox row ${row.outbox_id} has no audit event`);
  return {
    reservation: reservationAfter(row.event_body),
    previous: row.body_before === null ? null : reservationAfter(row.body_before),
    kind: row.kind,
  };
}

async function backlog(pool: Pool) {
  const result = await pool.query<{ rows: number; age: number | null }>({
    name: 'outbox-backlog',
    text: `select count(*)::int as rows,
        (extract(epoch from clock_timestamp() - min(create_time)) * 1000)::float8 as age
      from (select create_time from outbox where published_time is null order by outbox_id limit 100000) o`,
  });
  const [row] = result.rows;
  return { rows: row?.rows ?? 0, oldestAgeMs: Math.max(0, row?.age ?? 0) };
}

async function prune(pool: Pool, olderThanMs: number, limit: number): Promise<number> {
  const values = [olderThanMs, limit];
  const age = `clock_timestamp() - make_interval(secs => $1::float8 / 1000)`;
  const outbox = await pool.query({
    name: 'prune-outbox',
    text: `delete from outbox where outbox_id in (
      select outbox_id from outbox where published_time < ${age} order by outbox_id limit $2::int)`,
    values,
  });
  const claims = await pool.query({
    name: 'prune-claims',
    text: `delete from request_claim where ctid in (
      select ctid from request_claim where create_time < ${age} limit $2::int)`,
    values,
  });
  return (outbox.rowCount ?? 0) + (claims.rowCount ?? 0);
}
