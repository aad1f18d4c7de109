import type { Pool } from 'pg';
import type { RefusalReason } from '../domain/refusal.ts';
import type { AuditFilter } from '../ports/event-reader.ts';
import type { RefusalPosition, Refusals, RefusedRequest, RefusedReserve } from '../ports/refusals.ts';
import { instant, millis } from './statements.ts';

/** How long a refusal is kept after its last time, in milliseconds: 90 days. */
export const REFUSAL_RETENTION_MS = 7_776_000_000;

/** The kind under which refusals are listed among the events. */
export const REFUSED_KIND = 'refused';

/** Refusals looked at for one page, as for events. */
const LOOKED_AT_MAX = 10_000;

const COLUMNS = `exchange_id, reason, channel, actor, actor_type, rule_version::float8 as rule_version, message,
  metadata::text as metadata, times, ${millis('first_time')} as first_at, ${millis('create_time')} as refused_at, trace_id`;

interface RefusalRow {
  readonly exchange_id: string;
  readonly reason: RefusalReason;
  readonly channel: string;
  readonly actor: string;
  readonly actor_type: string;
  readonly rule_version: number;
  readonly message: string;
  readonly metadata: string;
  readonly times: number;
  readonly first_at: number;
  readonly refused_at: number;
  readonly trace_id: string;
  readonly is_meant: boolean;
}

export function createRefusals(pool: Pool): Refusals {
  return {
    async ofExchange(exchangeId) {
      const result = await pool.query<RefusalRow & { asked: string | null }>({
        name: 'refusals-of-exchange',
        text: `select ${COLUMNS}, asked::text as asked from refused_reserve where exchange_id = $1::text order by create_time desc, reason`,
        values: [exchangeId],
      });
      return result.rows.map((row) => ({
        ...toRefused(row),
        asked: row.asked === null ? null : (JSON.parse(row.asked) as RefusedRequest | null),
      }));
    },
    list: (filter, after, limit) => list(pool, filter, after, limit),
    async prune(olderThanMs, limit) {
      const result = await pool.query({
        name: 'prune-refusals',
        text: `delete from refused_reserve where ctid = any(array(select ctid from refused_reserve
          where create_time < clock_timestamp() - make_interval(secs => $1::float8 / 1000)
          order by create_time limit $2::int))`,
        values: [olderThanMs, limit],
      });
      return result.rowCount ?? 0;
    },
  };
}

/** Nothing that was refused belongs to a reservation, holds a unit or is of another kind. */
export function mayBeRefused({ trackingId, reservationId, unitId, kinds }: AuditFilter): boolean {
  const isOfReservation = trackingId !== '' || reservationId !== '' || unitId !== '';
  return !isOfReservation && (kinds.length === 0 || kinds.includes(REFUSED_KIND));
}

/** In the order of the last time. What has no index of its own is looked for in a bounded part of them. */
async function list(pool: Pool, filter: AuditFilter, after: RefusalPosition | null, limit: number) {
  const values: unknown[] = [];
  const add = (value: unknown, type: string) => {
    values.push(value);
    return `$${values.length}::${type}`;
  };
  const found: string[] = [];
  if (filter.exchangeId !== '') found.push(`exchange_id = ${add(filter.exchangeId, 'text')}`);
  if (filter.orderId !== '') found.push(`order_id = ${add(filter.orderId, 'text')} and order_id <> ''`);
  if (filter.returnCaseId !== '') {
    found.push(`return_case_id = ${add(filter.returnCaseId, 'text')} and return_case_id <> ''`);
  }
  if (filter.from !== null) found.push(`create_time >= ${instant(add(filter.from, 'float8'))}`);
  if (filter.until !== null) found.push(`create_time < ${instant(add(filter.until, 'float8'))}`);
  if (after !== null) {
    const key = `${instant(add(after.refusedAt, 'float8'))}, ${add(after.exchangeId, 'text')}, ${add(after.reason, 'text')}`;
    found.push(`(create_time, exchange_id, reason) > (${key})`);
  }
  const meant: string[] = [];
  if (filter.actor !== '') meant.push(`actor = ${add(filter.actor, 'text')}`);
  if (filter.sku !== '') meant.push(`sku = ${add(filter.sku, 'text')}`);
  if (filter.warehouse !== '') meant.push(`warehouse = ${add(filter.warehouse, 'text')}`);
  const lookedAtMax = meant.length === 0 ? limit + 1 : Math.max(LOOKED_AT_MAX, limit + 1);
  const result = await pool.query<RefusalRow>({
    text: `select ${COLUMNS}, ${meant.length === 0 ? 'true' : meant.join(' and ')} as is_meant from refused_reserve
      where ${found.length === 0 ? 'true' : found.join(' and ')}
      order by create_time, exchange_id, reason limit ${add(lookedAtMax, 'int')}`,
    values,
  });
  const meantRows = result.rows.filter((row) => row.is_meant);
  const rows = meantRows.slice(0, limit).map(toRefused);
  const last = result.rows.at(-1);
  if (meantRows.length > limit) return { rows, next: rows.at(-1) ?? after };
  return { rows, next: last !== undefined && result.rows.length === lookedAtMax ? toRefused(last) : null };
}

function toRefused(row: RefusalRow): RefusedReserve {
  return {
    exchangeId: row.exchange_id,
    reason: row.reason,
    message: row.message,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    channel: row.channel,
    actor: row.actor,
    actorType: row.actor_type,
    ruleVersion: row.rule_version,
    times: row.times,
    firstAt: row.first_at,
    refusedAt: row.refused_at,
    traceId: row.trace_id,
  };
}
