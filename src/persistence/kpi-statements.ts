import type { KpiFilter } from '../ports/kpi-reader.ts';
import { instant, millis, NOW, type Statement } from './statements.ts';

/** Rows of one read: few enough that neither the database nor this process is kept from other work. */
export const KPI_CHUNK_SIZE = 2_000;

/** Where a chunk of reservations ends: the instant it is ordered by, in milliseconds, and the reservation. */
export interface KpiPosition {
  readonly at: number;
  readonly reservationId: string;
}

/** Behind every instant of a period in one direction, before it in the other. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** A reservation, as $4, $5 and $6 name channel, SKU and warehouse: held once, or asked for to the end. */
const IS_MEANT = `($4::text = '' or r.channel = $4::text) and (($5::text = '' and $6::text = '')
    or exists (select 1 from allocation a where a.reservation_id = r.reservation_id
      and ($5::text = '' or a.sku = $5::text) and ($6::text = '' or a.warehouse = $6::text))
    or ($6::text = '' and exists (select 1 from json_array_elements(r.lines) l where l ->> 'sku' = $5::text)))`;

/** Only the keys of a breakdown are told, for they cost a look at the allocations. */
const BELONGING = `
  case when $7::text = 'SKU' then array(
    select a.sku from allocation a where a.reservation_id = r.reservation_id
    union select l ->> 'sku' from json_array_elements(r.lines) l) else '{}' end as skus,
  case when $7::text = 'WAREHOUSE' then array(
    select distinct a.warehouse from allocation a where a.reservation_id = r.reservation_id) else '{}' end as warehouses`;

function filterValues({ channel, sku, warehouse }: KpiFilter, grouping: string | null): string[] {
  return [channel, sku, warehouse, grouping ?? ''];
}

export interface CandidateRow {
  readonly reservation_id: string;
  readonly tracking_id: string;
  readonly state: string;
  readonly release_reason: string | null;
  readonly channel: string;
  readonly at: number;
  readonly is_meant: boolean;
  readonly skus: string[];
  readonly warehouses: string[];
}

/** Reservations resolved in the period, from a position on: the earliest first, or the latest first. */
export function resolvedStatement(
  filter: KpiFilter,
  grouping: string | null,
  after: KpiPosition | null,
  limit: number,
  direction: 'asc' | 'desc' = 'asc',
): Statement {
  const isUp = direction === 'asc';
  const from = isUp ? (after ?? { at: filter.from, reservationId: FIRST_ID }) : { at: filter.from };
  const until = isUp ? { at: filter.until } : (after ?? { at: filter.until, reservationId: FIRST_ID });
  const edge = (isUp ? from : until) as KpiPosition;
  const beyond = isUp
    ? `(resolve_time, reservation_id) > (${instant('$1::float8')}, $3::uuid) and resolve_time < ${instant('$2::float8')}`
    : `(resolve_time, reservation_id) < (${instant('$2::float8')}, $3::uuid) and resolve_time >= ${instant('$1::float8')}`;
  return {
    name: `kpi-resolved-${direction}`,
    text: `select r.reservation_id, r.tracking_id, r.state, r.release_reason, r.channel, ${millis('r.resolve_time')} as at,
        ${IS_MEANT} as is_meant, ${BELONGING}
      from (select * from reservation where resolve_time is not null and ${beyond}
        order by resolve_time ${direction}, reservation_id ${direction} limit $8::int) r
      order by r.resolve_time ${direction}, r.reservation_id ${direction}`,
    values: [from.at, until.at, edge.reservationId, ...filterValues(filter, grouping), limit],
  };
}

/** Reservations made in the period: each by its first event, the earliest first. */
export function madeStatement(
  filter: KpiFilter,
  grouping: string | null,
  after: KpiPosition | null,
  limit: number,
): Statement {
  const from = after ?? { at: filter.from, reservationId: FIRST_ID };
  return {
    name: 'kpi-made',
    text: `select r.reservation_id, r.channel, ${millis('made.create_time')} as at, ${IS_MEANT} as is_meant, ${BELONGING}
      from (select e.create_time, e.reservation_id from audit_event e
        where (e.create_time, e.reservation_id, e.version) > (${instant('$1::float8')}, $3::uuid, 1)
          and e.create_time < ${instant('$2::float8')} and e.version = 1
        order by e.create_time, e.reservation_id, e.version limit $8::int) made
      join reservation r on r.reservation_id = made.reservation_id
      order by made.create_time, made.reservation_id`,
    values: [from.at, filter.until, from.reservationId, ...filterValues(filter, grouping), limit],
  };
}

export interface RefusedRow {
  readonly exchange_id: string;
  readonly reason: string;
  readonly channel: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly times: number;
  readonly at: number;
}

/** What was refused for the last time in the period. A refusal belongs to the SKU and the warehouse it named. */
export function refusedStatement(filter: KpiFilter, after: RefusedRow | null, limit: number): Statement {
  const { at, exchange_id: exchangeId, reason } = after ?? { at: filter.from, exchange_id: '', reason: '' };
  return {
    name: 'kpi-refused',
    text: `select exchange_id, reason, channel, sku, warehouse, times, ${millis('create_time')} as at from refused_reserve
      where (create_time, exchange_id, reason) > (${instant('$1::float8')}, $3::text, $4::text)
        and create_time < ${instant('$2::float8')}
      order by create_time, exchange_id, reason limit $5::int`,
    values: [at, filter.until, exchangeId, reason, limit],
  };
}

export interface IdleRow {
  readonly last: string | null;
  readonly looked_at: number;
  /** Null in the one row of a chunk without idle units. */
  readonly channel: string | null;
  readonly sku: string;
  readonly warehouse: string;
  readonly units: number;
}

/**
 * Live reservations by exchange, which has at most one and an index over those alone; their units where idle. What is past
 * its deadline is not held any more, swept or not.
 */
export function idleStatement(filter: KpiFilter, unchangedSince: number, after: string, limit: number): Statement {
  return {
    name: 'kpi-idle',
    text: `with live as materialized (select exchange_id, reservation_id, version, channel,
        state in ('RESERVED', 'WAITLISTED') and expire_time <= ${NOW} as is_due from reservation
        where resolve_time is null and exchange_id > $1::text order by exchange_id limit $2::int),
      idle as (select l.channel, a.sku, a.warehouse, sum(a.reserved)::float8 as units from live l
        join audit_event e on e.reservation_id = l.reservation_id and e.version = l.version
        join allocation a on a.reservation_id = l.reservation_id and a.reserved > 0
        where not l.is_due and e.create_time < ${instant('$3::float8')} and ($4::text = '' or l.channel = $4::text)
          and ($5::text = '' or a.sku = $5::text) and ($6::text = '' or a.warehouse = $6::text)
        group by l.channel, a.sku, a.warehouse)
      select (select max(exchange_id) from live) as last, (select count(*)::int from live) as looked_at, idle.*
      from (values (1)) one left join idle on true`,
    values: [after, limit, unchangedSince, filter.channel, filter.sku, filter.warehouse],
  };
}

/** An event of the first form begins with the text of its id, and a later one with the number of its form. */
const IS_FIRST_FORM = `substring(e.body from 2 for 1) = convert_to('"', 'UTF8')`;

/** Bytes that say which state a reservation is in after an event; the first form holds them as a text inside the JSON. */
function says(state: string): string {
  const [plain, quoted] = [`"state":"${state}"`, `\\"state\\":\\"${state}\\"`];
  return `position(case when ${IS_FIRST_FORM} then convert_to('${quoted}', 'UTF8')
    else convert_to('${plain}', 'UTF8') end in e.body) > 0`;
}

/**
 * The live state after an event, null after the last. Most kinds tell it themselves; of the others the bytes are searched,
 * which reads many times as many events a second as taking their JSON apart.
 */
const STATE = `case
    when e.kind = 'reserved' then 'RESERVED' when e.kind = 'waitlisted' then 'WAITLISTED'
    when e.kind = 'preparing' then 'PREPARING' when e.kind = 'ready' then 'READY'
    when e.kind in ('fulfilled', 'released', 'expired') then null
    when ${says('RESERVED')} then 'RESERVED' when ${says('WAITLISTED')} then 'WAITLISTED'
    when ${says('PREPARING')} then 'PREPARING' when ${says('READY')} then 'READY' end`;

/**
 * Whether the bytes of an event begin as those of a person do. A look for the word where it would stand comes first: it
 * costs a tenth of making these bytes, and hardly any event has it.
 */
const IS_BY_PERSON = `(position(convert_to(',"PERSON"', 'UTF8') in substring(e.body for 160 + 6 * octet_length(e.actor))) > 0
  and (select substring(e.body for octet_length(p.start)) = p.start from (values (convert_to(
    case when ${IS_FIRST_FORM}
      then '["' || e.event_id || '","' || e.reservation_id || '",' || e.version || ',"' || e.kind || '",'
      else '[2,"' || e.event_id || '","' || e.kind || '",' end
    || to_json(e.actor) || ',"PERSON"', 'UTF8'))) p (start)))`;

export interface HistoryRow {
  readonly reservation_id: string;
  readonly reserved_at: number | null;
  readonly ready_at: number | null;
  readonly wait_ms: number | null;
  readonly is_short: boolean;
  readonly is_manual: boolean;
}

/** What the events of resolved reservations say. These never change again, so no snapshot is shared with other reads. */
export function historyStatement(reservationIds: readonly string[]): Statement {
  const held = `in ('RESERVED', 'PREPARING', 'READY')`;
  return {
    name: 'kpi-histories',
    text: `with told as materialized (
        select e.reservation_id, e.version, e.kind, e.create_time, ${STATE} as state, ${IS_BY_PERSON} as is_by_person
        from audit_event e where e.reservation_id = any($1::uuid[])),
      waiting as (select reservation_id, min(version) as version, min(create_time) as since from told
        where state = 'WAITLISTED' group by reservation_id),
      waited as (select w.reservation_id, min(t.create_time) - min(w.since) as time from waiting w
        join told t on t.reservation_id = w.reservation_id and t.version > w.version and t.state ${held}
        group by w.reservation_id)
      select t.reservation_id, ${millis(`min(t.create_time) filter (where t.state ${held})`)} as reserved_at,
        ${millis(`min(t.create_time) filter (where t.state = 'READY')`)} as ready_at,
        (extract(epoch from max(w.time)) * 1000)::float8 as wait_ms,
        bool_or(t.kind = 'short') as is_short, bool_or(t.is_by_person) as is_manual
      from told t left join waited w on w.reservation_id = t.reservation_id group by t.reservation_id`,
    values: [[...reservationIds]],
  };
}
