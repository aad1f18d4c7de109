/**
 * What was refused to an exchange: one row for each reason, with the numbers of the last time. No evidence, since nothing
 * was changed: a row is written anew by the next refusal and deleted after its time.
 */
export const REFUSALS_SQL = `
create table refused_reserve (
  exchange_id text not null,
  reason text not null,
  return_case_id text not null,
  order_id text not null,
  sku text not null,
  warehouse text not null,
  channel text not null,
  actor text not null,
  actor_type text not null,
  rule_version bigint not null,
  message text not null,
  metadata json not null,
  times integer not null check (times >= 1),
  first_time timestamptz(3) not null,
  create_time timestamptz(3) not null,
  trace_id text not null,
  primary key (exchange_id, reason)
) with (fillfactor = 85);
create index refused_reserve_time on refused_reserve (create_time, exchange_id, reason);
create index refused_reserve_return_case on refused_reserve (return_case_id, create_time) where return_case_id <> '';
create index refused_reserve_order on refused_reserve (order_id, create_time) where order_id <> '';
`;
