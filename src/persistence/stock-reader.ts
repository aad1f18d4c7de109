import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { Item, Tracking } from '../domain/item.ts';
import type { Warehouse } from '../domain/sourcing.ts';
import { SALE_CHANNEL } from '../domain/stock-level.ts';
import type { PoolRef } from '../domain/working-set.ts';
import type { Page, PageRequest, StockEntry, StockReader, StockView } from '../ports.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import {
  ITEM_COLUMNS,
  type ItemRow,
  POOL_COLUMNS,
  type PoolRow,
  toItem,
  toStockLevel,
  toWarehouse,
  type WarehouseRow,
} from './rows.ts';
import { NOW } from './statements.ts';
import { ItemTable } from './tables/tables.ts';

/** Pools one read answers. */
export const STOCK_READ_MAX = 10_000;

/** Pools in one page of a scan, which bounds its memory. */
const SCAN_PAGE_SIZE = 1_000;

/** Units past their deadline that nobody has swept, per pool; normally no row at all. */
const DUE = `due as materialized (
  select a.sku, a.warehouse, sum(a.reserved)::int as units,
    coalesce(sum(a.reserved) filter (where r.channel = '${SALE_CHANNEL}'), 0)::int as of_sales
  from reservation r join allocation a using (reservation_id)
  where r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW} and a.reserved > 0
  group by 1, 2)`;

/** Looked up for each pool, so that pages keep the order of the pools' index. */
const VIEW = `${POOL_COLUMNS},
  (select array[d.units, d.of_sales] from due d where d.sku = p.sku and d.warehouse = p.warehouse) as due`;

/** Due units, and those of them that sales hold; null where nothing is due. */
type ViewRow = PoolRow & { readonly due: readonly [units: number, ofSales: number] | null };

export function createStockReader(orm: MikroORM, pool: Pool): StockReader {
  return {
    read: (skus, warehouses) => readPage(pool, skus, warehouses, null, STOCK_READ_MAX),
    readPools: (pools) => readPools(pool, pools),
    scan: (skus, warehouses) => scan(pool, skus, warehouses),
    list: (skus, warehouses, page) => list(pool, skus, warehouses, page),
    items: (skus) => items(orm, skus),
    warehouses: () => warehouses(pool),
  };
}

async function readPage(
  pool: Pool,
  skus: readonly string[],
  warehouses: readonly string[],
  after: PoolRef | null,
  limit: number,
): Promise<StockView[]> {
  const result = await pool.query<ViewRow>({
    name: skus.length > 0 ? 'read-stock-of-skus' : 'read-stock',
    text: `with ${DUE} select ${VIEW} from stock_pool p
      where ${skus.length > 0 ? 'p.sku = any($1::text[])' : '$1::text[] is not null'}
        and (cardinality($2::text[]) = 0 or p.warehouse = any($2))
        and ($3::text is null or (p.sku, p.warehouse) > ($3, $4::text))
      order by p.sku, p.warehouse limit $5::int`,
    values: [skus, warehouses, after?.sku ?? null, after?.warehouse ?? null, limit],
  });
  return result.rows.map(toView);
}

async function readPools(pool: Pool, pools: readonly PoolRef[]): Promise<StockView[]> {
  if (pools.length === 0) return [];
  const result = await pool.query<ViewRow>({
    name: 'read-pools',
    text: `with ${DUE} select ${VIEW} from unnest($1::text[], $2::text[]) as wanted (sku, warehouse)
      join stock_pool p on p.sku = wanted.sku and p.warehouse = wanted.warehouse`,
    values: [pools.map((ref) => ref.sku), pools.map((ref) => ref.warehouse)],
  });
  return result.rows.map(toView);
}

async function* scan(
  pool: Pool,
  skus: readonly string[],
  warehouses: readonly string[],
): AsyncGenerator<StockView[], void, undefined> {
  let after: PoolRef | null = null;
  for (;;) {
    const page = await readPage(pool, skus, warehouses, after, SCAN_PAGE_SIZE);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < SCAN_PAGE_SIZE) return;
    after = last.level;
  }
}

async function list(
  pool: Pool,
  skus: readonly string[],
  warehouses: readonly string[],
  page: PageRequest,
): Promise<Page<StockEntry>> {
  const filter = [skus, warehouses];
  const token = readPageToken(filter, page.token, 2);
  const after = token === null ? null : { sku: token[0] ?? '', warehouse: token[1] ?? '' };
  const views = await readPage(pool, skus, warehouses, after, page.size + 1);
  const shown = views.slice(0, page.size);
  const known = new Map(
    (
      await itemsOf(
        pool,
        shown.map((view) => view.level.sku),
      )
    ).map((item) => [item.sku, item]),
  );
  const rows = shown.flatMap((view) => {
    const item = known.get(view.level.sku);
    return item === undefined ? [] : [{ ...view, item }];
  });
  const last = shown.at(-1);
  const more = views.length > page.size && last !== undefined;
  return { rows, nextPageToken: more ? makePageToken(filter, [last.level.sku, last.level.warehouse]) : '' };
}

async function itemsOf(pool: Pool, skus: readonly string[]): Promise<Item[]> {
  const result = await pool.query<ItemRow>({
    name: 'items-of-skus',
    text: `select ${ITEM_COLUMNS} from item i where i.sku = any($1::text[])`,
    values: [[...new Set(skus)]],
  });
  return result.rows.map(toItem);
}

async function items(orm: MikroORM, skus: readonly string[]): Promise<Item[]> {
  const rows = await orm.em.fork().find(ItemTable, { sku: { $in: [...skus] } }, { orderBy: { sku: 'asc' } });
  return rows.map((row) => ({ ...row, tracking: row.tracking as Tracking, attributes: row.attributes }));
}

/** Read for each batch of the relay, so without entities. */
async function warehouses(pool: Pool): Promise<Warehouse[]> {
  const result = await pool.query<WarehouseRow>({
    name: 'list-warehouses',
    text: 'select * from warehouse order by priority, code',
  });
  return result.rows.map(toWarehouse);
}

function toView(row: ViewRow): StockView {
  return { level: toStockLevel(row), due: row.due?.[0] ?? 0, saleDue: row.due?.[1] ?? 0 };
}
