/** The peer's own schema: the rows a reservation needs, with no index it does not use. */
export const PEER_SCHEMA_SQL = `
create table pool (
  sku text not null,
  warehouse text not null,
  on_hand integer not null,
  reserved integer not null default 0,
  version bigint not null default 0,
  primary key (sku, warehouse),
  check (reserved between 0 and on_hand)
) with (fillfactor = 85);

create table request (
  request_id text primary key,
  content_hash bytea not null,
  reservation_id uuid not null,
  create_time timestamptz not null default now()
);

create table exchange (
  exchange_id text primary key,
  reservation_id uuid not null
);

create table reservation (
  reservation_id uuid primary key,
  tracking_id text not null unique,
  version integer not null,
  state text not null,
  exchange_id text not null,
  return_case_id text not null,
  order_id text not null,
  customer_ref text not null,
  channel text not null,
  create_time timestamptz not null,
  expire_time timestamptz not null
);

create table allocation (
  reservation_id uuid not null,
  line_number integer not null,
  sku text not null,
  warehouse text not null,
  quantity integer not null check (quantity > 0),
  primary key (reservation_id, line_number)
);

create table audit_event (
  reservation_id uuid not null,
  version integer not null,
  event_id uuid not null,
  kind text not null,
  actor text not null,
  after_state json not null,
  create_time timestamptz not null,
  primary key (reservation_id, version)
);

create table outbox (
  outbox_id bigint generated always as identity primary key,
  topic text not null,
  key text not null,
  version bigint not null,
  body json not null,
  create_time timestamptz not null default now(),
  published_time timestamptz
);
create index outbox_unpublished on outbox (outbox_id) where published_time is null;
`;
