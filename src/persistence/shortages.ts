import type { Pool } from 'pg';
import type { PoolRef } from '../domain/working-set.ts';
import type { Shortage, ShortageFilter, Shortages, ShortageVictim } from '../ports/shortages.ts';
import type { Page, PageRequest } from '../ports.ts';
import { DUE_RESERVATIONS, IS_DUE } from './due-reservations.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { millis } from './statements.ts';

/** Victims that a list tells of one shortage; the others are found by listing short reservations of the pool. */
export const VICTIMS_LISTED_MAX = 1_000;

/** Sorts behind every id. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

interface ShortageRow {
  readonly shortage_id: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  /** Units of the pool that reservations hold and the clock has not freed. */
  readonly promised: number;
  readonly victims: string;
  readonly opened_at: number;
  readonly closed_at: number | null;
}

export function createShortages(pool: Pool): Shortages {
  return {
    list: (filter, page) => list(pool, filter, page),
    async unsettled(limit) {
      const result = await pool.query<PoolRef>({
        name: 'unsettled-shortages',
        text: `select distinct sku, warehouse from (select sku, warehouse from shortage
          where unsettled <> 0 or (cures_left and close_time is null) order by shortage_id limit $1::int) s`,
        values: [limit],
      });
      return result.rows;
    },
  };
}

async function list(pool: Pool, filter: ShortageFilter, page: PageRequest): Promise<Page<Shortage>> {
  const after = readPageToken(filter, page.token, 1)?.[0] ?? LAST_ID;
  const { skus, warehouses, includeClosed } = filter;
  const result = await pool.query<ShortageRow>({
    name: `list-shortages-${skus.length > 0 ? 'of-skus' : 'all'}-${includeClosed ? 'closed' : 'open'}`,
    text: listText(skus.length > 0, includeClosed),
    values: [skus, warehouses, after, page.size + 1],
  });
  const rows = result.rows.slice(0, page.size);
  const last = rows.at(-1);
  const more = result.rows.length > page.size && last !== undefined;
  return {
    // Of what was open, the clock may have freed enough since.
    rows: rows.filter((row) => row.quantity > 0).map(toShortage),
    nextPageToken: more ? makePageToken(filter, [last.shortage_id]) : '',
  };
}

/** Units past their deadline are freed by the clock and no shortage, swept or not. */
const DUE = `(select coalesce(sum(a.reserved), 0)::int from due join allocation a using (reservation_id)
  where a.sku = s.sku and a.warehouse = s.warehouse)`;

const OF_POOL = `select greatest(0, p.reserved - d.due - (p.on_hand - p.unavailable)) as quantity,
    p.reserved - d.due as promised
  from stock_pool p, (select ${DUE} as due) d where p.sku = s.sku and p.warehouse = s.warehouse`;

const LACKING = `select r.tracking_id as "trackingId", a.line_number as "lineNumber", a.short + a.missing as quantity
  from allocation a join reservation r using (reservation_id)
  where a.sku = s.sku and a.warehouse = s.warehouse and a.short + a.missing > 0
    and not (${IS_DUE})
  order by a.priority, a.reservation_id desc, a.line_number desc limit ${VICTIMS_LISTED_MAX}`;

const LACKED = `select r.tracking_id as "trackingId", v.line_number as "lineNumber", v.quantity
  from shortage_victim v join reservation r using (reservation_id) where v.shortage_id = s.shortage_id
  order by r.priority, v.reservation_id desc, v.line_number desc limit ${VICTIMS_LISTED_MAX}`;

function listText(bySku: boolean, includeClosed: boolean): string {
  const page = (condition: string) => `select * from shortage o where ${condition} and o.shortage_id < $3::uuid
    ${includeClosed ? '' : 'and o.close_time is null'} and (cardinality($2::text[]) = 0 or o.warehouse = any($2))
    order by o.shortage_id desc limit $4::int`;
  const found = bySku
    ? `select f.* from unnest($1::text[]) as wanted (sku) cross join lateral (${page('o.sku = wanted.sku')}) f
       order by f.shortage_id desc limit $4::int`
    : page('$1::text[] is not null');
  return `with ${DUE_RESERVATIONS} select s.shortage_id, s.sku, s.warehouse,
      case when s.close_time is null then p.quantity else s.most end as quantity, p.promised,
      (case when s.close_time is null then (select coalesce(json_agg(l), '[]') from (${LACKING}) l)
        else (select coalesce(json_agg(l), '[]') from (${LACKED}) l) end)::text as victims,
      ${millis('s.open_time')} as opened_at, ${millis('s.close_time')} as closed_at
    from (${found}) s cross join lateral (${OF_POOL}) p order by s.shortage_id desc`;
}

function toShortage(row: ShortageRow): Shortage {
  const { sku, warehouse, quantity } = row;
  const lacking = JSON.parse(row.victims) as ShortageVictim[];
  const victims = row.closed_at === null ? upTo(lacking, quantity) : lacking;
  const named = victims.reduce((sum, victim) => sum + victim.quantity, 0);
  const isWhole = row.closed_at === null && lacking.length < VICTIMS_LISTED_MAX;
  return {
    shortageId: row.shortage_id,
    sku,
    warehouse,
    quantity,
    victims,
    unnamed: isWhole ? Math.min(quantity, row.promised) - named : 0,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
  };
}

/** Pickers may have missed more than the pool lacks: only as many as it lacks are its victims. */
function upTo(lacking: readonly ShortageVictim[], quantity: number): ShortageVictim[] {
  let left = quantity;
  return lacking.flatMap((victim) => {
    const units = Math.min(left, victim.quantity);
    left -= units;
    return units > 0 ? [{ ...victim, quantity: units }] : [];
  });
}
