import type { Statement } from '../statements.ts';
import { DRIFTS_MAX } from './drift-list.ts';
import { type AuditRun, onSnapshot } from './snapshot.ts';

/** These rows are compared by PostgreSQL and cost us nothing, so a chunk of them is this many times larger. */
const ROWS_PER_CHUNK_ROW = 20;

/** Holds order lines and exchanges, which sum up and point to reservations, against these. */
export async function auditReferences(run: AuditRun): Promise<void> {
  await walk(run, 'order_line', 'order_id', orderLineStatement, (row) => {
    const { first, second, expected, actual } = row;
    run.drifts.add('ORDER_LINE', expected, actual, `order ${first} line ${second}: exchanged`, {});
  });
  await walk(run, 'exchange', 'exchange_id', exchangeStatement, (row) => {
    const { first, second, expected, actual } = row;
    const detail = `exchange ${first} does not point to its newest reservation`;
    run.drifts.add('EXCHANGE', expected, actual, detail, { trackingId: second });
  });
  for (const { sku, unit_id, holders } of await onSnapshot(run, (query) => query<HeldTwice>(unitsHeldTwice()))) {
    run.drifts.add('UNIT', 1, holders, `unit ${unit_id} is held more than once`, { sku });
  }
  for (const { sku, unit_id, warehouse, holders } of await onSnapshot(run, (query) =>
    query<Unmatched>(unmatchedUnits()),
  )) {
    const detail = `unit ${unit_id} is allocated, or not, other than the reservations say`;
    run.drifts.add('UNIT', holders, 1 - holders, detail, { sku, warehouse });
  }
}

type HeldTwice = { sku: string; unit_id: string; holders: number };

type Unmatched = { sku: string; unit_id: string; warehouse: string; holders: number };

type WrongReference = { first: string; second: string; expected: number; actual: number };

/** Walks a table by the first column of its key; the last chunk is open at its end. */
async function walk(
  run: AuditRun,
  table: 'order_line' | 'exchange',
  key: string,
  wrong: (from: string, upTo: string | null) => Statement,
  report: (row: WrongReference) => void,
): Promise<void> {
  let after: string | null = '';
  while (after !== null) {
    const from: string = after;
    const chunk = await onSnapshot(run, async (query) => {
      const [end] = await query<{ key: string }>({
        name: `audit-${table}-chunk`,
        text: `select ${key} as key from ${table} where ${key} > $1::text order by ${key} offset $2::int limit 1`,
        values: [from, run.chunkSize * ROWS_PER_CHUNK_ROW - 1],
      });
      const last = end?.key ?? null;
      return { last, rows: await query<WrongReference>(wrong(from, last)) };
    });
    for (const row of chunk.rows) report(row);
    after = chunk.last;
  }
}

function rangeOf(key: string, upTo: string | null): string {
  return `${key} > $1::text ${upTo === null ? '' : `and ${key} <= $2::text`}`;
}

function orderLineStatement(from: string, upTo: string | null): Statement {
  return {
    name: upTo === null ? 'audit-last-order-lines' : 'audit-order-lines',
    text: `with stored as (
        select order_id, order_line_id, exchanged from order_line where ${rangeOf('order_id', upTo)}),
      asked as (
        select r.reservation_id, r.order_id, line.fact ->> 'orderLineId' as order_line_id,
          (line.fact ->> 'lineNumber')::int as line_number
        from reservation r cross join lateral json_array_elements(r.lines) as line (fact)
        where ${rangeOf('r.order_id', upTo)} and line.fact ->> 'orderLineId' <> ''),
      used as (
        select order_id, order_line_id, sum(units) as exchanged from (
          select order_id, order_line_id, reserved + fulfilled as units
          from asked join allocation using (reservation_id, line_number)
          union all select order_id, order_line_id, units from asked join waitlist using (reservation_id, line_number)) u
        group by 1, 2)
      select order_id as first, order_line_id as second, coalesce(used.exchanged, 0)::float8 as expected,
        coalesce(stored.exchanged, 0)::float8 as actual
      from stored full join used using (order_id, order_line_id)
      where coalesce(used.exchanged, 0) <> coalesce(stored.exchanged, 0)
      order by 1, 2 limit ${DRIFTS_MAX}`,
    values: [from, ...(upTo === null ? [] : [upTo])],
  };
}

/** Newest by the time of creation, read under the exchange's lock; of two in one unit the live one. */
function exchangeStatement(from: string, upTo: string | null): Statement {
  return {
    name: upTo === null ? 'audit-last-exchanges' : 'audit-exchanges',
    text: `with stored as (
        select exchange_id, reservation_id from exchange where ${rangeOf('exchange_id', upTo)}),
      newest as (
        select distinct on (exchange_id) exchange_id, reservation_id, tracking_id, create_time,
          resolve_time is null as live
        from reservation where ${rangeOf('exchange_id', upTo)}
        order by exchange_id, create_time desc, resolve_time is null desc)
      select exchange_id as first, coalesce(newest.tracking_id, '') as second, 1::float8 as expected, 0::float8 as actual
      from stored full join newest using (exchange_id)
      where stored.reservation_id is distinct from newest.reservation_id
        and not (not newest.live and exists (select 1 from reservation r
          where r.reservation_id = stored.reservation_id and r.exchange_id = stored.exchange_id
            and r.create_time = newest.create_time))
      order by 1 limit ${DRIFTS_MAX}`,
    values: [from, ...(upTo === null ? [] : [upTo])],
  };
}

function unitsHeldTwice(): Statement {
  return {
    name: 'audit-units',
    text: `select sku, unit_id, count(*)::int as holders from allocated_unit where held
      group by sku, unit_id having count(*) > 1 order by sku, unit_id limit ${DRIFTS_MAX}`,
    values: [],
  };
}

/** A unit is allocated exactly where a reservation holds it. */
function unmatchedUnits(): Statement {
  return {
    name: 'audit-unmatched-units',
    text: `select coalesce(h.sku, u.sku) as sku, coalesce(h.unit_id, u.unit_id) as unit_id,
        coalesce(h.warehouse, u.warehouse) as warehouse, (h.unit_id is not null)::int as holders
      from (select * from allocated_unit where held) h
      full join (select * from stock_unit where allocated) u
        on u.sku = h.sku and u.unit_id = h.unit_id and u.warehouse = h.warehouse
      where h.unit_id is null or u.unit_id is null order by 1, 2 limit ${DRIFTS_MAX}`,
    values: [],
  };
}
