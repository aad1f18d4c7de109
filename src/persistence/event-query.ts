import type { AuditFilter } from '../ports/event-reader.ts';
import { instant, millis } from './statements.ts';

/**
 * Events looked at for one page where a filter has no index of its own: a rare kind among very many events is found over
 * several pages instead of in one that takes for ever.
 */
const LOOKED_AT_MAX = 10_000;

/** Where a page ends and the next begins. */
export interface Position {
  readonly createdAt: number;
  readonly reservationId: string;
  readonly version: number;
}

/** One statement, and how many events it looks at before it gives up; fewer mean that there are no more. */
export interface EventsQuery {
  readonly statement: { readonly text: string; readonly values: unknown[] };
  readonly lookedAtMax: number;
}

/** Collects the values of a statement; answers the parameter that stands for one. */
type Parameter = (value: unknown, type: string) => string;

/** Something that names reservations: their ids by an index, in order, or whether a candidate `c` is one of them. */
interface Naming {
  readonly isSet: boolean;
  /** @param beyond a condition on `reservation_id` */
  readonly ids: (beyond: string, limit: string) => string;
  readonly condition: () => string;
}

const COLUMNS = 'e.create_time, e.reservation_id, e.version, e.kind, e.actor';

/**
 * Candidates come in the order of an index, from where the page before ended, and are looked at until the page is full
 * or enough of them were looked at. One more event than the page holds tells that there is another page.
 */
export function eventsQuery(filter: AuditFilter, after: Position | null, size: number): EventsQuery {
  const values: unknown[] = [];
  const parameter: Parameter = (value, type) => {
    values.push(value);
    return `$${values.length}::${type}`;
  };
  const [naming, ...others] = namingsOf(filter, parameter).filter((one) => one.isSet);
  const rest = [
    ...others.map((one) => one.condition()),
    ...(naming === undefined ? [] : timeConditions(filter, 'c', parameter)),
    ...(naming === undefined || filter.actor === '' ? [] : [`c.actor = ${parameter(filter.actor, 'text')}`]),
    ...(filter.kinds.length === 0 ? [] : [`c.kind = any(${parameter(filter.kinds, 'text[]')})`]),
    ...(filter.warehouse === '' || filter.sku !== '' ? [] : [holds(filter, parameter)]),
  ];
  const lookedAtMax = rest.length === 0 ? size + 1 : Math.max(LOOKED_AT_MAX, size + 1);
  const limit = parameter(lookedAtMax, 'int');
  const candidates =
    naming === undefined
      ? candidatesByTime(filter, after, limit, parameter)
      : candidatesByReservation(naming, after, limit, parameter);
  const order = naming === undefined ? ['create_time', 'reservation_id', 'version'] : ['reservation_id', 'version'];
  const text = `with candidate as materialized (${candidates}),
    hit as (
      select * from candidate c where ${rest.length === 0 ? 'true' : rest.join(' and ')}
      order by ${order.join(', ')} limit ${parameter(size + 1, 'int')}),
    looked as (select count(*)::int as looked_at from candidate),
    last as (select * from candidate order by ${order.map((column) => `${column} desc`).join(', ')} limit 1)
    select looked.looked_at, ${millis('last.create_time')} as last_at, last.reservation_id as last_reservation_id,
      last.version as last_version, page.*
    from looked left join last on true left join (
      select e.event_id, e.reservation_id, coalesce(r.tracking_id, '') as tracking_id,
        coalesce(r.exchange_id, '') as exchange_id, e.version, e.kind, e.actor, e.create_time,
        ${millis('e.create_time')} as created_at, e.body, e.hash, b.body as body_before, b.hash as previous_hash
      from hit join audit_event e using (reservation_id, version)
      left join reservation r on r.reservation_id = e.reservation_id
      left join audit_event b on b.reservation_id = e.reservation_id and b.version = e.version - 1) page on true
    order by ${order.map((column) => `page.${column}`).join(', ')}`;
  return { statement: { text, values }, lookedAtMax };
}

/** By the index on the actor where one is named, else by that on the time. */
function candidatesByTime(filter: AuditFilter, after: Position | null, limit: string, parameter: Parameter): string {
  const conditions = timeConditions(filter, 'e', parameter);
  if (filter.actor !== '') conditions.push(`e.actor = ${parameter(filter.actor, 'text')}`);
  if (after !== null) {
    const at = instant(parameter(after.createdAt, 'float8'));
    const key = `${parameter(after.reservationId, 'uuid')}, ${parameter(after.version, 'int')}`;
    conditions.push(`(e.create_time, e.reservation_id, e.version) > (${at}, ${key})`);
  }
  return `select ${COLUMNS} from audit_event e where ${conditions.length === 0 ? 'true' : conditions.join(' and ')}
    order by e.create_time, e.reservation_id, e.version limit ${limit}`;
}

/** Reservation by reservation, each with its events; one more of them, for the first may have no event left. */
function candidatesByReservation(naming: Naming, after: Position | null, limit: string, parameter: Parameter): string {
  const from = after === null ? null : parameter(after.reservationId, 'uuid');
  const beyond = from === null ? 'true' : `reservation_id >= ${from}`;
  const events =
    after === null ? 'true' : `(e.reservation_id, e.version) > (${from}, ${parameter(after.version, 'int')})`;
  return `select ${COLUMNS} from (${naming.ids(beyond, `${limit} + 1`)}) named
    cross join lateral (
      select * from audit_event e where e.reservation_id = named.reservation_id and ${events} order by e.version) e
    order by e.reservation_id, e.version limit ${limit}`;
}

function timeConditions({ from, until }: AuditFilter, of: 'c' | 'e', parameter: Parameter): string[] {
  return [
    ...(from === null ? [] : [`${of}.create_time >= ${instant(parameter(from, 'float8'))}`]),
    ...(until === null ? [] : [`${of}.create_time < ${instant(parameter(until, 'float8'))}`]),
  ];
}

/** What names fewest reservations comes first: its index leads the search. */
function namingsOf(filter: AuditFilter, parameter: Parameter): Naming[] {
  const column = (name: string, value: string): Naming => ({
    isSet: value !== '',
    ids: (beyond, limit) =>
      `select reservation_id from reservation where ${name} = ${typed(name, value, parameter)} and ${beyond}
        order by reservation_id limit ${limit}`,
    condition: () =>
      `exists (select 1 from reservation r
        where r.reservation_id = c.reservation_id and r.${name} = ${typed(name, value, parameter)})`,
  });
  const unit: Naming = {
    isSet: filter.unitId !== '',
    ids: (beyond, limit) =>
      `select distinct reservation_id from allocated_unit
        where unit_id = ${parameter(filter.unitId, 'text')} and ${beyond} order by reservation_id limit ${limit}`,
    condition: () =>
      `exists (select 1 from allocated_unit u
        where u.reservation_id = c.reservation_id and u.unit_id = ${parameter(filter.unitId, 'text')})`,
  };
  const sku: Naming = {
    isSet: filter.sku !== '',
    ids: (beyond, limit) => idsOfSku(filter, beyond, limit, parameter),
    condition: () => holds(filter, parameter),
  };
  return [
    column('reservation_id', filter.reservationId),
    column('tracking_id', filter.trackingId),
    column('exchange_id', filter.exchangeId),
    column('order_id', filter.orderId),
    unit,
    column('return_case_id', filter.returnCaseId),
    sku,
  ];
}

function typed(name: string, value: string, parameter: Parameter): string {
  return parameter(value, name === 'reservation_id' ? 'uuid' : 'text');
}

/** The index has the reservations of each pool in order, so those of all pools are merged. */
function idsOfSku({ sku, warehouse }: AuditFilter, beyond: string, limit: string, parameter: Parameter): string {
  const only = warehouse === '' ? 'true' : `w.code = ${parameter(warehouse, 'text')}`;
  return `select distinct reservation_id from warehouse w cross join lateral (
      select distinct a.reservation_id from allocation a
      where a.sku = ${parameter(sku, 'text')} and a.warehouse = w.code and ${beyond}
      order by a.reservation_id limit ${limit}) held
    where ${only} order by reservation_id limit ${limit}`;
}

/** Whether the reservation of a candidate holds or held what the filter names. */
function holds({ sku, warehouse }: AuditFilter, parameter: Parameter): string {
  return `exists (select 1 from allocation a where a.reservation_id = c.reservation_id
    ${sku === '' ? '' : `and a.sku = ${parameter(sku, 'text')}`}
    ${warehouse === '' ? '' : `and a.warehouse = ${parameter(warehouse, 'text')}`})`;
}
