/**
 * Shortages: one open record for each pool that promised more than is there, with the lines that lack units. Units that
 * a count or damage took are missing of the line, beside what pickers did not find. Two partial indexes have the lines of
 * a pool in the order in which they lose units and in which they get them back; the priority is copied from the
 * reservation for it. Shortages from before are settled by the worker.
 */
export const SHORTAGES_SQL = `
alter table allocation add column priority integer not null default 0;
alter table allocation add column missing integer not null default 0;
alter table allocation drop constraint allocation_counters;
alter table allocation add constraint allocation_counters check (reserved >= 0 and picked >= 0 and short >= 0
  and missing >= 0 and fulfilled >= 0 and released >= 0 and picked + short + missing <= reserved);
update allocation a set priority = r.priority from reservation r
  where r.reservation_id = a.reservation_id and r.priority <> 0 and r.resolve_time is null;
create index allocation_there on allocation (sku, warehouse, priority, reservation_id desc, line_number desc)
  where reserved > short + missing;
create index allocation_lacking on allocation (sku, warehouse, priority, reservation_id desc, line_number desc)
  where short + missing > 0;

create table shortage (
  shortage_id uuid primary key,
  sku text not null,
  warehouse text not null,
  quantity integer not null check (quantity >= 0),
  most integer not null check (most >= 1 and most >= quantity),
  unsettled integer not null default 0,
  open_time timestamptz(3) not null,
  close_time timestamptz(3),
  constraint shortage_closed check ((close_time is null) = (quantity > 0))
);
create unique index shortage_open_once on shortage (sku, warehouse) where close_time is null;
create index shortage_open on shortage (shortage_id) where close_time is null;
create index shortage_sku on shortage (sku, shortage_id);
create index shortage_unsettled on shortage (shortage_id) where unsettled <> 0;

create table shortage_victim (
  shortage_id uuid not null,
  reservation_id uuid not null,
  line_number integer not null,
  quantity integer not null check (quantity >= 1),
  primary key (shortage_id, reservation_id, line_number)
);

insert into shortage (shortage_id, sku, warehouse, quantity, most, unsettled, open_time)
select gen_random_uuid(), p.sku, p.warehouse, p.shortage, p.shortage,
  greatest(0, least(p.shortage, p.reserved) - coalesce((select sum(a.short) from allocation a
    where a.sku = p.sku and a.warehouse = p.warehouse and a.short + a.missing > 0), 0)), clock_timestamp()
from stock_pool p where p.shortage > 0;
`;
