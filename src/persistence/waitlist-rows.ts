import type { PoolClient } from 'pg';
import { entriesOf, type WaitlistEntry } from '../domain/waitlist.ts';
import type { WrittenLines } from './reservation-writes.ts';
import { instant, millis, pipeline, rowsOf, type Statement } from './statements.ts';

/**
 * Waiting lines of one SKU that a unit looks at, and so serves at most. What is left is served by the next unit that
 * takes the SKU, at the latest by the worker.
 */
export const QUEUE_LOOKED_AT_MAX = 250;

/** Waiting lines that a unit looks at, over all its SKUs: only a unit of very many SKUs meets more. */
const QUEUES_LOOKED_AT_MAX = 5_000;

interface WaitlistRow {
  readonly reservation_id: string;
  readonly line_number: number;
  readonly sku: string;
  readonly units: number;
  readonly warehouse: string;
  readonly since: number;
  readonly priority: number;
  readonly channel: string;
  readonly rule_version: number;
  readonly expire_at: number;
}

/** The beginnings of the queues of locked SKUs. Whoever changes a waiting reservation holds the pools of all its SKUs. */
export function readQueues(skus: readonly string[]): Statement {
  return {
    name: 'read-queues',
    text: `select w.reservation_id, w.line_number, w.sku, w.units, w.warehouse, w.priority,
        ${millis('w.since_time')} as since, r.channel, r.rule_version::float8 as rule_version,
        ${millis('r.expire_time')} as expire_at
      from unnest($1::text[]) as wanted (sku)
      cross join lateral (select * from waitlist q where q.sku = wanted.sku
        order by q.sku, q.priority desc, q.since_time, q.reservation_id, q.line_number limit ${QUEUE_LOOKED_AT_MAX}) w
      join reservation r on r.reservation_id = w.reservation_id
      limit ${QUEUES_LOOKED_AT_MAX}`,
    values: [skus],
  };
}

/** A trip of its own, which only units make whose SKUs somebody waits for. */
export async function loadQueues(client: PoolClient, skus: readonly string[]): Promise<WaitlistEntry[]> {
  if (skus.length === 0) return [];
  const [result] = await pipeline(client, 'read queues', [readQueues(skus)]);
  return rowsOf<WaitlistRow & Record<string, unknown>>(result).map((row) => ({
    reservationId: row.reservation_id,
    lineNumber: row.line_number,
    sku: row.sku,
    units: row.units,
    warehouse: row.warehouse,
    since: row.since,
    priority: row.priority,
    channel: row.channel,
    ruleVersion: row.rule_version,
    expireAt: row.expire_at,
  }));
}

/** The queue as the reservations of a unit are to stand in it from now on; nothing where none of them waited or waits. */
export function waitlistStatements(
  finals: readonly (Pick<WrittenLines, 'previous'> & { readonly next: Parameters<typeof entriesOf>[0] })[],
): Statement[] {
  const left = finals.filter(({ previous }) => previous?.state === 'WAITLISTED').map(({ next }) => next.reservationId);
  const joined = finals.flatMap(({ next }) => (next.state === 'WAITLISTED' ? entriesOf(next) : []));
  return [...(left.length === 0 ? [] : [leaveQueues(left)]), ...(joined.length === 0 ? [] : [joinQueues(joined)])];
}

export function leaveQueues(reservationIds: readonly string[]): Statement {
  return {
    name: 'leave-queues',
    text: 'delete from waitlist where reservation_id = any($1::uuid[])',
    values: [reservationIds],
  };
}

function joinQueues(entries: readonly WaitlistEntry[]): Statement {
  const column = <T>(pick: (entry: WaitlistEntry) => T) => entries.map(pick);
  return {
    name: 'join-queues',
    text: `insert into waitlist (reservation_id, line_number, sku, units, warehouse, priority, since_time)
      select id, line_number, sku, units, warehouse, priority, ${instant('since')}
      from unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::text[], $6::int[], $7::float8[])
        as w (id, line_number, sku, units, warehouse, priority, since)`,
    values: [
      column((entry) => entry.reservationId),
      column((entry) => entry.lineNumber),
      column((entry) => entry.sku),
      column((entry) => entry.units),
      column((entry) => entry.warehouse),
      column((entry) => entry.priority),
      column((entry) => entry.since),
    ],
  };
}
