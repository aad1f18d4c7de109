/** The first schema: stock, reservations, the audit ledger, request ids and the outbox. */
export const LEDGER_SQL = `
create function ledger_now() returns timestamptz language sql stable as 'select clock_timestamp()';
comment on function ledger_now() is 'the one clock that deadlines are held against';

create table incarnation (
  only_row boolean primary key default true check (only_row),
  epoch uuid not null default gen_random_uuid(),
  relay_epoch bigint not null default 0,
  catalog_version bigint not null default 1
);
insert into incarnation default values;

create table rule_version (
  version bigint primary key,
  effective_time timestamptz(3) not null,
  create_time timestamptz(3) not null default now(),
  actor text not null,
  reason text not null,
  body jsonb not null
);

create table warehouse (
  code text primary key check (octet_length(code) between 1 and 64),
  name text not null,
  time_zone text not null,
  priority integer not null,
  country_code text not null,
  postal_code text not null,
  enabled boolean not null,
  wms text not null
);

create table item (
  sku text primary key check (octet_length(sku) between 1 and 128),
  item_id uuid not null unique,
  name text not null,
  tracking text not null check (tracking in ('QUANTITY', 'LOT', 'SERIAL')),
  product text not null,
  attributes jsonb not null,
  equivalent_skus text[] not null,
  retired boolean not null
);

create table stock_pool (
  sku text not null references item,
  warehouse text not null references warehouse,
  on_hand integer not null default 0,
  reserved integer not null default 0,
  unavailable integer not null default 0,
  committed integer not null default 0,
  safety_stock integer not null default 0,
  shortage integer not null default 0,
  version bigint not null default 0,
  change_time timestamptz(3) not null default now(),
  count_time timestamptz(3),
  primary key (sku, warehouse),
  constraint stock_pool_counters check (
    on_hand >= 0 and reserved >= 0 and unavailable >= 0 and committed >= 0 and safety_stock >= 0),
  constraint stock_pool_promise check (shortage = greatest(0, reserved - (on_hand - unavailable)))
) with (fillfactor = 85);

create table stock_movement (
  movement_id uuid primary key,
  sku text not null,
  warehouse text not null,
  kind text not null check (kind in ('RECEIVED', 'ADJUSTED', 'COUNTED', 'SHIPPED', 'SHORT_PICKED')),
  on_hand_delta integer not null,
  unavailable_delta integer not null,
  committed_delta integer not null,
  pool_version bigint not null,
  reservation_id uuid,
  actor text not null,
  reason text not null,
  occur_time timestamptz(3) not null,
  create_time timestamptz(3) not null,
  trace_id text not null
);
create index stock_movement_pool on stock_movement (sku, warehouse, occur_time);

create table exchange (
  exchange_id text primary key,
  reservation_id uuid,
  closed_by text
) with (fillfactor = 90);

create table order_line (
  order_id text not null,
  order_line_id text not null,
  purchased integer not null default 0,
  exchanged integer not null default 0,
  primary key (order_id, order_line_id),
  constraint order_line_bound check (exchanged >= 0 and (purchased = 0 or exchanged <= purchased))
) with (fillfactor = 90);

create table reservation (
  reservation_id uuid primary key,
  tracking_id text not null unique,
  version integer not null check (version >= 1),
  state text not null check (
    state in ('WAITLISTED', 'RESERVED', 'PREPARING', 'READY', 'FULFILLED', 'RELEASED', 'EXPIRED')),
  exchange_id text not null,
  return_case_id text not null,
  order_id text not null,
  customer_ref text not null,
  channel text not null,
  priority integer not null,
  lines json not null,
  rule_version bigint not null,
  create_time timestamptz(3) not null,
  expire_time timestamptz(3) not null,
  resolve_time timestamptz(3),
  release_reason text check (
    release_reason in ('CANCELLED', 'REFUNDED', 'EXPIRED', 'SUPERSEDED', 'SHORT_PICKED', 'MANUAL')),
  trace_id text not null,
  confirm_time timestamptz(3),
  overdue_flagged boolean not null default false,
  constraint reservation_resolved check (
    (resolve_time is not null) = (state in ('FULFILLED', 'RELEASED', 'EXPIRED'))
    and (release_reason is not null) = (state in ('RELEASED', 'EXPIRED'))),
  constraint reservation_deadline check (expire_time >= create_time)
) with (fillfactor = 80);
create unique index reservation_live_exchange on reservation (exchange_id) where resolve_time is null;
create index reservation_exchange on reservation (exchange_id, reservation_id);
create index reservation_return_case on reservation (return_case_id, reservation_id);
create index reservation_order on reservation (order_id, reservation_id);
create index reservation_customer on reservation (customer_ref, reservation_id) where customer_ref <> '';
create index reservation_expirable on reservation (expire_time) where state in ('RESERVED', 'WAITLISTED');
create index reservation_in_preparation on reservation (expire_time)
  where state in ('PREPARING', 'READY') and not overdue_flagged;

create table allocation (
  reservation_id uuid not null,
  line_number integer not null,
  warehouse text not null,
  sku text not null,
  quantity integer not null check (quantity > 0),
  reserved integer not null,
  picked integer not null default 0,
  short integer not null default 0,
  fulfilled integer not null default 0,
  released integer not null default 0,
  primary key (reservation_id, line_number, warehouse),
  constraint allocation_counters check (
    reserved >= 0 and picked >= 0 and short >= 0 and fulfilled >= 0 and released >= 0 and picked + short <= reserved),
  constraint allocation_conserved check (quantity = reserved + fulfilled + released)
) with (fillfactor = 85);
create index allocation_pool on allocation (sku, warehouse, reservation_id);

create table allocated_unit (
  sku text not null,
  unit_id text not null,
  reservation_id uuid not null,
  line_number integer not null,
  warehouse text not null,
  held boolean not null,
  primary key (reservation_id, line_number, warehouse, sku, unit_id)
);
create unique index allocated_unit_held_once on allocated_unit (sku, unit_id) where held;

create table audit_event (
  reservation_id uuid not null,
  version integer not null check (version >= 1),
  event_id uuid not null,
  kind text not null check (kind in (
    'reserved', 'waitlisted', 'extended', 'changed', 'preparing', 'ready', 'short', 'released', 'expired', 'fulfilled')),
  actor text not null,
  actor_type text not null,
  channel text not null,
  reason text not null,
  rule_version bigint not null,
  after_state json not null,
  create_time timestamptz(3) not null,
  trace_id text not null,
  previous_hash bytea not null,
  hash bytea not null check (octet_length(hash) = 32),
  primary key (reservation_id, version)
);
create index audit_event_time on audit_event using brin (create_time);

create table request_claim (
  principal text not null,
  method text not null,
  request_id text not null,
  content_hash bytea not null,
  reservation_id uuid,
  reservation_version integer,
  answer json,
  create_time timestamptz(3) not null default now(),
  primary key (principal, method, request_id)
) with (fillfactor = 90);
create index request_claim_time on request_claim using brin (create_time);

create table outbox (
  outbox_id bigint generated always as identity primary key,
  topic text not null check (topic in ('reservation', 'pool', 'verdict')),
  key text not null,
  warehouse text not null,
  version bigint not null,
  body json,
  traceparent text not null,
  create_time timestamptz(3) not null default now(),
  published_time timestamptz(3),
  xid xid8 not null default pg_current_xact_id()
) with (fillfactor = 80);
create index outbox_unpublished on outbox (outbox_id) where published_time is null;
create index outbox_xid on outbox (xid);
create unique index outbox_once_per_transition on outbox (key, version) where topic = 'reservation';

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'raise_exception';
end $$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row execute function refuse_ledger_change();
create trigger audit_event_no_truncate before truncate on audit_event
  for each statement execute function refuse_ledger_change();
create trigger stock_movement_append_only before update or delete on stock_movement
  for each row execute function refuse_ledger_change();
create trigger stock_movement_no_truncate before truncate on stock_movement
  for each statement execute function refuse_ledger_change();

create function refuse_illegal_transition() returns trigger language plpgsql as $$
begin
  if old.resolve_time is not null then
    raise exception 'reservation % is resolved and never changes again', old.reservation_id;
  end if;
  if new.version <= old.version then
    raise exception 'reservation % must rise above version %', old.reservation_id, old.version;
  end if;
  if new.reservation_id <> old.reservation_id or new.tracking_id <> old.tracking_id
     or new.exchange_id <> old.exchange_id or new.create_time <> old.create_time then
    raise exception 'reservation % keeps its identity', old.reservation_id;
  end if;
  return new;
end $$;
create trigger reservation_transition before update on reservation
  for each row execute function refuse_illegal_transition();
create trigger reservation_kept before delete on reservation
  for each row execute function refuse_ledger_change();
create trigger reservation_no_truncate before truncate on reservation
  for each statement execute function refuse_ledger_change();
create trigger allocation_kept before delete on allocation
  for each row execute function refuse_ledger_change();
create trigger allocation_no_truncate before truncate on allocation
  for each statement execute function refuse_ledger_change();
`;

/** The rules a fresh database starts with, in the form of that time. */
export const FIRST_RULE_VERSION_SQL = `
insert into rule_version (version, effective_time, actor, reason, body)
values (1, to_timestamp(0), 'earmark', 'first rules', '{
  "eligibility": {"returnWindowDays": 90, "refusedReasons": ["ABUSE"]},
  "defaultHoldWindowMs": 1209600000, "minHoldWindowMs": 1000, "maxHoldWindowMs": 7776000000,
  "channelHoldWindowsMs": {}, "splitAllowed": true, "channelWarehouses": {},
  "maxLines": 100, "maxUnits": 1000, "lowThreshold": 0}')`;
