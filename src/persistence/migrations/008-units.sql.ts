/** Serial units: where each one is, and what became of it in each reservation. Pools of other items have no row here. */
export const UNITS_SQL = `
create table stock_unit (
  sku text not null,
  unit_id text collate "C" not null check (unit_id <> ''),
  warehouse text not null,
  on_hand boolean not null,
  allocated boolean not null,
  unavailable boolean not null,
  primary key (sku, unit_id)
) with (fillfactor = 85);
create index stock_unit_pool on stock_unit (sku, warehouse);
create index stock_unit_free on stock_unit (sku, warehouse, unit_id) where on_hand and not allocated and not unavailable;
create index stock_unit_lost on stock_unit (sku, warehouse, unit_id) where allocated and (unavailable or not on_hand);

alter table allocated_unit
  add column condition text not null default 'HELD' check (condition in ('HELD', 'PICKED', 'SHORT', 'MISSING')),
  add column fulfilled boolean not null default false,
  add constraint allocated_unit_once check (not (held and fulfilled));
`;
