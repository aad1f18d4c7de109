import type { Pool } from 'pg';
import type { Reservation } from '../domain/reservation.ts';
import type { Target } from '../domain/working-set.ts';
import type { Page, PageRequest, ReservationFilter, ReservationReader } from '../ports.ts';
import { LAST_ID } from './ledger/reservation-audit.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { isUuid } from './plan.ts';
import { type AllocationRow, RESERVATION_COLUMNS, type ReservationRow, toReservations } from './rows.ts';
import { instant } from './statements.ts';

/** The serial units of an allocation. */
const UNITS = `from allocated_unit u where u.reservation_id = a.reservation_id and u.line_number = a.line_number
    and u.warehouse = a.warehouse`;

/** One snapshot of reservations with their allocations as one statement. */
const WITH_ALLOCATIONS = `coalesce((select json_agg(json_strip_nulls(json_build_object(
    'reservation_id', a.reservation_id, 'line_number', a.line_number, 'warehouse', a.warehouse, 'reserved', a.reserved,
    'picked', a.picked, 'short', a.short, 'missing', a.missing, 'fulfilled', a.fulfilled, 'released', a.released,
    'units', (select json_agg(json_build_object('unitId', u.unit_id, 'condition', u.condition) order by u.unit_id)
      ${UNITS} and u.held),
    'shipped', (select json_agg(u.unit_id order by u.unit_id) ${UNITS} and u.fulfilled)))
    order by a.line_number, a.warehouse)
  from allocation a where a.reservation_id = r.reservation_id), '[]')::text as allocations`;

/** What a live reservation gave up in a swap or transfer is no more of it; what is resolved has given up everything. */
const IS_MINE = '(a.reserved + a.fulfilled > 0 or r.resolve_time is not null)';

type Row = ReservationRow & { readonly allocations: string };

const FIND_BY: Record<Target['by'], string> = {
  reservation: 'r.reservation_id = $1::uuid',
  tracking: 'r.tracking_id = $1::text',
  exchange: 'r.reservation_id = (select e.reservation_id from exchange e where e.exchange_id = $1::text)',
};

export function createReservationReader(pool: Pool): ReservationReader {
  return {
    find: (target) => find(pool, target),
    list: (filter, page) => list(pool, filter, page),
    countFrom: (filter, token) => countFrom(pool, filter, token),
    async known(reservationIds) {
      const result = await pool.query<{ reservation_id: string }>({
        name: 'known-reservations',
        text: 'select reservation_id from reservation where reservation_id = any($1::uuid[])',
        values: [reservationIds.filter(isUuid)],
      });
      return result.rows.map((row) => row.reservation_id);
    },
  };
}

async function find(pool: Pool, target: Target): Promise<Reservation | null> {
  if (target.by === 'reservation' && !isUuid(target.id)) return null;
  const result = await pool.query<Row>({
    name: `find-reservation-by-${target.by}`,
    text: `select ${RESERVATION_COLUMNS}, ${WITH_ALLOCATIONS} from reservation r where ${FIND_BY[target.by]}`,
    values: [target.id],
  });
  return toDomain(result.rows)[0] ?? null;
}

async function list(pool: Pool, filter: ReservationFilter, page: PageRequest): Promise<Page<Reservation>> {
  const after = readPageToken(filter, page.token, 1)?.[0] ?? null;
  const { conditions, values } = conditionsOf(filter, after);
  values.push(page.size + 1);
  const where = conditions.length === 0 ? 'true' : conditions.join(' and ');
  const result = await pool.query<Row>({
    text: `select ${RESERVATION_COLUMNS}, ${WITH_ALLOCATIONS} from reservation r where ${where}
      order by r.reservation_id desc limit $${values.length}::int`,
    values,
  });
  const rows = toDomain(result.rows.slice(0, page.size));
  const last = rows.at(-1);
  const more = result.rows.length > page.size && last !== undefined;
  return { rows, nextPageToken: more ? makePageToken(filter, [last.reservationId]) : '' };
}

async function countFrom(pool: Pool, filter: ReservationFilter, token: string): Promise<number> {
  const after = readPageToken(filter, token, 1)?.[0] ?? LAST_ID;
  const { conditions, values } = conditionsOf(filter, after);
  const where = conditions.join(' and ');
  const result = await pool.query<{ count: number }>({
    text: `select count(*)::float8 as count from reservation r where ${where}`,
    values,
  });
  return result.rows[0]?.count ?? 0;
}

/**
 * @param after the last reservation of the page before, or null. It bounds the allocations as well: the planner does not
 * conclude that, and would walk over those of all pages before.
 */
function conditionsOf(filter: ReservationFilter, after: string | null): { conditions: string[]; values: unknown[] } {
  const conditions: string[] = after === null ? [] : ['r.reservation_id < $1::uuid'];
  const values: unknown[] = after === null ? [] : [after];
  const beyond = after === null ? '' : 'and a.reservation_id < $1::uuid';
  const add = (wanted: boolean, value: unknown, condition: (parameter: string) => string) => {
    if (!wanted) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  add(filter.returnCaseId !== '', filter.returnCaseId, (value) => `r.return_case_id = ${value}::text`);
  add(filter.exchangeId !== '', filter.exchangeId, (value) => `r.exchange_id = ${value}::text`);
  add(filter.orderId !== '', filter.orderId, (value) => `r.order_id = ${value}::text`);
  add(
    filter.customerRef !== '',
    filter.customerRef,
    (value) => `r.customer_ref = ${value}::text and r.customer_ref <> ''`,
  );
  add(
    filter.sku !== '',
    filter.sku,
    (value) => `exists (select 1 from allocation a
    where a.reservation_id = r.reservation_id and a.sku = ${value}::text and ${IS_MINE} ${beyond}
      ${filter.warehouse === '' ? '' : 'and a.warehouse = WAREHOUSE'})`,
  );
  if (filter.warehouse !== '') {
    values.push(filter.warehouse);
    const value = `$${values.length}::text`;
    const bySku = conditions.findIndex((condition) => condition.includes('WAREHOUSE'));
    if (bySku >= 0) conditions[bySku] = (conditions[bySku] ?? '').replace('WAREHOUSE', value);
    else {
      conditions.push(
        `exists (select 1 from allocation a
          where a.reservation_id = r.reservation_id and a.warehouse = ${value} and ${IS_MINE} ${beyond})`,
      );
    }
  }
  add(
    filter.unitId !== '',
    filter.unitId,
    (value) => `r.reservation_id in (select u.reservation_id from allocated_unit u where u.unit_id = ${value}::text
      and (u.held or u.fulfilled or r.resolve_time is not null))`,
  );
  const { reservationIds } = filter;
  add(reservationIds !== undefined, reservationIds, (value) => `r.reservation_id = any(${value}::uuid[])`);
  add(filter.states.length > 0, filter.states, (value) => `r.state = any(${value}::text[])`);
  add(filter.createdBefore !== null, filter.createdBefore, (value) => `r.create_time < ${instant(`${value}::float8`)}`);
  add(filter.expiresBefore !== null, filter.expiresBefore, (value) => `r.expire_time < ${instant(`${value}::float8`)}`);
  if (filter.onlyShort) {
    conditions.push(
      `exists (select 1 from allocation a
        where a.reservation_id = r.reservation_id and a.short + a.missing > 0 ${beyond})`,
    );
  }
  return { conditions, values };
}

function toDomain(rows: readonly Row[]): Reservation[] {
  return toReservations(
    rows,
    rows.flatMap((row) => JSON.parse(row.allocations) as AllocationRow[]),
  );
}
