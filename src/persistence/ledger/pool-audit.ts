import { SALE_CHANNEL } from '../../domain/stock-level.ts';
import { NOW, type Statement } from '../statements.ts';
import { DRIFTS_MAX, type DriftKind } from './drift-list.ts';
import { type AuditRun, byStatement } from './snapshot.ts';

type PoolPlace = readonly [sku: string, warehouse: string];

interface PoolChecks {
  readonly pools: number;
  readonly wrong: readonly WrongCounter[];
}

interface WrongCounter {
  readonly sku: string;
  readonly warehouse: string;
  readonly kind: DriftKind;
  readonly counter: string;
  readonly expected: number;
  readonly actual: number;
}

/** Recomputes every counter of every pool from allocations and movements. */
export async function auditPools(run: AuditRun): Promise<void> {
  let after: PoolPlace | null = ['', ''];
  while (after !== null) {
    const from: PoolPlace = after;
    const { last, checks } = await byStatement(run, async (query) => {
      const [end] = await query<{ sku: string; warehouse: string }>(lastOfChunk(from, run.chunkSize));
      const upTo: PoolPlace | null = end === undefined ? null : [end.sku, end.warehouse];
      const [found] = await query<{ pools: number; wrong: WrongCounter[] }>(wrongCounters(from, upTo));
      return { last: upTo, checks: found as PoolChecks };
    });
    for (const { sku, warehouse, kind, counter, expected, actual } of checks.wrong) {
      run.drifts.add(kind, expected, actual, counter, { sku, warehouse });
    }
    run.advance({ poolsChecked: checks.pools });
    after = last;
  }
}

function lastOfChunk(from: PoolPlace, chunkSize: number): Statement {
  return {
    name: 'audit-pool-chunk',
    text: `select sku, warehouse from stock_pool where (sku, warehouse) > ($1::text, $2::text)
      order by sku, warehouse offset $3::int limit 1`,
    values: [...from, chunkSize - 1],
  };
}

/** The last chunk is open at its end, so that lines of pools that are gone are found too. */
function wrongCounters(from: PoolPlace, upTo: PoolPlace | null): Statement {
  const range = `(sku, warehouse) > ($1::text, $2::text)
    ${upTo === null ? '' : 'and (sku, warehouse) <= ($3::text, $4::text)'}`;
  return {
    name: upTo === null ? 'audit-last-pools' : 'audit-pools',
    text: `with pool as materialized (
        select sku, warehouse, on_hand, reserved, sale_reserved, unavailable, committed, shortage from stock_pool where ${range}),
      held as (
        select sku, warehouse, sum(reserved) as reserved, sum(short) as short, sum(missing) as missing,
          sum(reserved) filter (where reserved > 0 and exists (select 1 from reservation r
            where r.reservation_id = a.reservation_id and r.channel = '${SALE_CHANNEL}' and r.resolve_time is null)) as by_sales
        from allocation a where ${range} group by sku, warehouse),
      due as (
        select a.sku, a.warehouse, sum(a.reserved) as units, sum(a.short) as short, sum(a.missing) as missing from reservation r join allocation a using (reservation_id)
        where r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW} and a.reserved > 0 group by 1, 2),
      recorded as (
        select sku, warehouse, coalesce(sum(quantity), 0) as quantity, sum(unsettled) as unsettled
        from shortage where ${range} and (close_time is null or unsettled <> 0) group by sku, warehouse),
      moved as (
        select sku, warehouse, sum(on_hand_delta) as on_hand, sum(unavailable_delta) as unavailable,
          sum(committed_delta) as committed
        from stock_movement where ${range} group by sku, warehouse),
      unit as (
        select sku, warehouse, count(*) filter (where on_hand) as on_hand, count(*) filter (where allocated) as allocated,
          count(*) filter (where unavailable) as unavailable
        from stock_unit where ${range} group by sku, warehouse),
      serial as (select i.sku from item i where i.tracking = 'SERIAL' and i.sku in (select sku from pool union select sku from unit)),
      wrong as (
        select sku, warehouse, c.kind, c.counter, c.expected::float8 as expected, c.actual::float8 as actual
        from pool full join held using (sku, warehouse) full join moved using (sku, warehouse)
          full join recorded using (sku, warehouse) full join unit using (sku, warehouse)
          left join due using (sku, warehouse) left join serial using (sku)
        cross join lateral (select coalesce(greatest(0, pool.reserved - (pool.on_hand - pool.unavailable)), 0) as shortage) real
        cross join lateral (select coalesce(held.short, 0) - coalesce(due.short, 0) as short,
          coalesce(held.missing, 0) - coalesce(due.missing, 0) + coalesce(recorded.unsettled, 0) as missing) lasting
        cross join lateral (values
          ('RESERVED_COUNTER', 'reserved', coalesce(held.reserved, 0), coalesce(pool.reserved, 0)),
          ('RESERVED_COUNTER', 'sale_reserved', coalesce(held.by_sales, 0), coalesce(pool.sale_reserved, 0)),
          ('ON_HAND_COUNTER', 'on_hand', coalesce(moved.on_hand, 0), coalesce(pool.on_hand, 0)),
          ('ON_HAND_COUNTER', 'unavailable', coalesce(moved.unavailable, 0), coalesce(pool.unavailable, 0)),
          ('ON_HAND_COUNTER', 'committed', coalesce(moved.committed, 0), coalesce(pool.committed, 0)),
          ('UNIT', 'units on hand', coalesce(pool.on_hand, 0),
            case when serial.sku is null then coalesce(unit.on_hand, pool.on_hand, 0) else coalesce(unit.on_hand, 0) end),
          ('UNIT', 'units allocated', coalesce(pool.reserved, 0),
            case when serial.sku is null then coalesce(unit.allocated, pool.reserved, 0) else coalesce(unit.allocated, 0) end),
          ('UNIT', 'units unavailable', coalesce(pool.unavailable, 0),
            case when serial.sku is null then coalesce(unit.unavailable, pool.unavailable, 0)
              else coalesce(unit.unavailable, 0) end),
          ('SHORTAGE', 'shortage', real.shortage,
            coalesce(pool.shortage, 0)),
          ('SHORTAGE', 'record', real.shortage, coalesce(recorded.quantity, 0)),
          -- What is due counts as missing or not, by when it fell due: between the two numbers both are right. Lines cannot
          -- lack more than they hold, though more may be unavailable than is on hand.
          ('SHORTAGE', 'missing of lines', least(greatest(lasting.missing, greatest(0,
              least(real.shortage, pool.reserved) - coalesce(due.units, 0) - lasting.short)),
              greatest(0, least(real.shortage, pool.reserved) - lasting.short)), lasting.missing)) as c (kind, counter, expected, actual)
        where c.expected <> c.actual
        order by sku, warehouse, c.counter limit ${DRIFTS_MAX})
      select (select count(*)::int from pool) as pools,
        (select coalesce(json_agg(wrong), '[]') from wrong) as wrong`,
    values: [...from, ...(upTo ?? [])],
  };
}
