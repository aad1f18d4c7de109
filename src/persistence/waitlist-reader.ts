import type { Pool } from 'pg';
import type { WaitlistPlace, WaitlistReader } from '../ports/waitlist-reader.ts';
import { millis } from './statements.ts';

export function createWaitlistReader(pool: Pool): WaitlistReader {
  return {
    placesOf: (reservationId) => placesOf(pool, reservationId),
    servableSkus: (after, limit) => servableSkus(pool, after, limit),
  };
}

async function placesOf(pool: Pool, reservationId: string): Promise<WaitlistPlace[]> {
  const result = await pool.query<WaitlistPlace>({
    name: 'waitlist-places',
    text: `select w.line_number as "lineNumber", w.sku, w.units, ${millis('w.since_time')} as since,
        ahead.lines as "linesAhead", ahead.units as "unitsAhead"
      from waitlist w cross join lateral (
        select count(*)::int as lines, coalesce(sum(q.units), 0)::int as units from waitlist q
        where q.sku = w.sku and (q.priority > w.priority or q.priority = w.priority
          and (q.since_time, q.reservation_id, q.line_number) < (w.since_time, w.reservation_id, w.line_number))) ahead
      where w.reservation_id = $1::uuid order by w.line_number`,
    values: [reservationId],
  });
  return result.rows;
}

/** Goes from SKU to SKU by the queue's index, however many lines wait for one; most have nothing and cost no more. */
async function servableSkus(pool: Pool, after: string, limit: number): Promise<string[]> {
  const result = await pool.query<{ sku: string }>({
    name: 'servable-skus',
    text: `with recursive queue as (
        (select sku from waitlist where sku > $1::text order by sku limit 1)
        union all
        select (select w.sku from waitlist w where w.sku > queue.sku order by w.sku limit 1) from queue
        where queue.sku is not null)
      select queue.sku from queue cross join lateral (
        select coalesce(sum(greatest(0, p.on_hand - p.unavailable - p.committed - p.reserved - p.safety_stock)), 0) as units
        from stock_pool p where p.sku = queue.sku) available
      where queue.sku is not null and available.units > 0
        and exists (select 1 from waitlist w where w.sku = queue.sku and w.units <= available.units)
      limit $2::int`,
    values: [after, limit],
  });
  return result.rows.map((row) => row.sku);
}
