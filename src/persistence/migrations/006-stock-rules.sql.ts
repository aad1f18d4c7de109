/**
 * What the rules say of a pool is stored with it, so that its version tells of it and every surface shows the same. The
 * rule version is that of the last change; what it said then can be computed again. What sales hold is found by an index
 * over their live reservations, which costs nothing where there are none.
 */
export const STOCK_RULES_SQL = `
alter table stock_pool
  add column sale_reserved integer not null default 0,
  add column exchange_minimum integer not null default 0,
  add column low_threshold integer not null default 0,
  add column rule_version bigint not null default 1,
  add constraint stock_pool_ruled check (
    sale_reserved >= 0 and sale_reserved <= reserved and exchange_minimum >= 0 and low_threshold >= 0),
  add constraint stock_pool_minimum check (
    exchange_minimum <= reserved - sale_reserved
      + greatest(0, on_hand::bigint - unavailable - committed - reserved - safety_stock));
create index reservation_live_sale on reservation (reservation_id) where channel = 'SALE' and resolve_time is null;
update stock_pool p set sale_reserved = held.reserved
from (select a.sku, a.warehouse, sum(a.reserved)::int as reserved
  from reservation r join allocation a using (reservation_id)
  where r.channel = 'SALE' and r.resolve_time is null group by a.sku, a.warehouse) held
where p.sku = held.sku and p.warehouse = held.warehouse;
`;
