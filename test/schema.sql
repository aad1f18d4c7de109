-- The schema of a migrated database, as PostgreSQL tells it. Compared in test;
-- renewed by: node test/support/dump-schema.ts --write

create table allocated_unit (
  sku text not null,
  unit_id text not null,
  reservation_id uuid not null,
  line_number integer not null,
  warehouse text not null,
  held boolean not null,
  condition text default 'HELD'::text not null,
  fulfilled boolean default false not null,
  constraint allocated_unit_condition_check CHECK ((condition = ANY (ARRAY['HELD'::text, 'PICKED'::text, 'SHORT'::text, 'MISSING'::text]))),
  constraint allocated_unit_once CHECK ((NOT (held AND fulfilled))),
  constraint allocated_unit_pkey PRIMARY KEY (reservation_id, line_number, warehouse, sku, unit_id)
);
CREATE UNIQUE INDEX allocated_unit_held_once ON public.allocated_unit USING btree (sku, unit_id) WHERE held;
CREATE INDEX allocated_unit_unit ON public.allocated_unit USING btree (unit_id, reservation_id);

create table allocation (
  reservation_id uuid not null,
  line_number integer not null,
  warehouse text not null,
  sku text not null,
  quantity integer not null,
  reserved integer not null,
  picked integer default 0 not null,
  short integer default 0 not null,
  fulfilled integer default 0 not null,
  released integer default 0 not null,
  priority integer default 0 not null,
  missing integer default 0 not null,
  constraint allocation_conserved CHECK ((quantity = ((reserved + fulfilled) + released))),
  constraint allocation_counters CHECK (((reserved >= 0) AND (picked >= 0) AND (short >= 0) AND (missing >= 0) AND (fulfilled >= 0) AND (released >= 0) AND (((picked + short) + missing) <= reserved))),
  constraint allocation_quantity_check CHECK ((quantity > 0)),
  constraint allocation_pkey PRIMARY KEY (reservation_id, line_number, warehouse)
) with (fillfactor=85);
CREATE INDEX allocation_lacking ON public.allocation USING btree (sku, warehouse, priority, reservation_id DESC, line_number DESC) WHERE ((short + missing) > 0);
CREATE INDEX allocation_pool ON public.allocation USING btree (sku, warehouse, reservation_id);
CREATE INDEX allocation_there ON public.allocation USING btree (sku, warehouse, priority, reservation_id DESC, line_number DESC) WHERE (reserved > (short + missing));
CREATE TRIGGER allocation_kept BEFORE DELETE ON public.allocation FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER allocation_no_truncate BEFORE TRUNCATE ON public.allocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table audit_checkpoint (
  size bigint not null,
  root bytea not null,
  subtrees bytea[] not null,
  covered_time timestamp(3) with time zone not null,
  create_time timestamp(3) with time zone not null,
  constraint audit_checkpoint_root_check CHECK ((octet_length(root) = 32)),
  constraint audit_checkpoint_size_check CHECK ((size > 0)),
  constraint audit_checkpoint_pkey PRIMARY KEY (size)
);
CREATE TRIGGER audit_checkpoint_append_only BEFORE DELETE OR UPDATE ON public.audit_checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON public.audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table audit_event (
  reservation_id uuid not null,
  version integer not null,
  event_id uuid not null,
  kind text not null,
  actor text not null,
  create_time timestamp(3) with time zone not null,
  hash bytea not null,
  body bytea not null,
  constraint audit_event_hash_check CHECK ((octet_length(hash) = 32)),
  constraint audit_event_kind_check CHECK ((kind = ANY (ARRAY['reserved'::text, 'waitlisted'::text, 'extended'::text, 'changed'::text, 'preparing'::text, 'ready'::text, 'short'::text, 'released'::text, 'expired'::text, 'fulfilled'::text, 'expiring-soon'::text]))),
  constraint audit_event_version_check CHECK ((version >= 1)),
  constraint audit_event_pkey PRIMARY KEY (reservation_id, version)
);
CREATE INDEX audit_event_actor ON public.audit_event USING btree (actor, create_time, reservation_id, version);
CREATE INDEX audit_event_time ON public.audit_event USING btree (create_time, reservation_id, version);
CREATE TRIGGER audit_event_append_only BEFORE DELETE OR UPDATE ON public.audit_event FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON public.audit_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table audit_leaf (
  leaf_index bigint not null,
  event_id uuid not null,
  reservation_id uuid not null,
  version integer not null,
  hash bytea not null,
  constraint audit_leaf_hash_check CHECK ((octet_length(hash) = 32)),
  constraint audit_leaf_leaf_index_check CHECK ((leaf_index >= 0)),
  constraint audit_leaf_pkey PRIMARY KEY (leaf_index),
  constraint audit_leaf_event UNIQUE (reservation_id, version)
);
CREATE TRIGGER audit_leaf_append_only BEFORE DELETE OR UPDATE ON public.audit_leaf FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON public.audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table customer (
  customer_ref text not null,
  constraint customer_customer_ref_check CHECK ((customer_ref <> ''::text)),
  constraint customer_pkey PRIMARY KEY (customer_ref)
) with (fillfactor=90);

create table exchange (
  exchange_id text not null,
  reservation_id uuid,
  closed_by text,
  constraint exchange_pkey PRIMARY KEY (exchange_id)
) with (fillfactor=90);

create table incarnation (
  only_row boolean default true not null,
  epoch uuid default gen_random_uuid() not null,
  relay_epoch bigint default 0 not null,
  catalog_version bigint default 1 not null,
  constraint incarnation_only_row_check CHECK (only_row),
  constraint incarnation_pkey PRIMARY KEY (only_row)
);

create table item (
  sku text not null,
  item_id text not null,
  name text not null,
  tracking text not null,
  product text not null,
  attributes jsonb not null,
  equivalent_skus text[] not null,
  retired boolean not null,
  constraint item_id_length CHECK (((char_length(item_id) >= 1) AND (char_length(item_id) <= 128))),
  constraint item_sku_check CHECK (((octet_length(sku) >= 1) AND (octet_length(sku) <= 128))),
  constraint item_tracking_check CHECK ((tracking = ANY (ARRAY['QUANTITY'::text, 'LOT'::text, 'SERIAL'::text]))),
  constraint item_pkey PRIMARY KEY (sku),
  constraint item_item_id_key UNIQUE (item_id)
);
CREATE INDEX item_product ON public.item USING btree (product) WHERE (product <> ''::text);

create table mikro_orm_migrations (
  id integer default nextval('mikro_orm_migrations_id_seq'::regclass) not null,
  name character varying(255) not null,
  executed_at timestamp(6) with time zone default CURRENT_TIMESTAMP(6) not null,
  constraint mikro_orm_migrations_pkey PRIMARY KEY (id)
);

create table milestone (
  exchange_id text not null,
  reservation_id uuid,
  milestone text not null,
  occur_time timestamp(3) with time zone not null,
  create_time timestamp(3) with time zone not null,
  applied boolean not null,
  actor text not null,
  channel text not null,
  reason text not null,
  trace_id text not null,
  constraint milestone_milestone_check CHECK ((milestone = ANY (ARRAY['APPROVED'::text, 'LABEL_CREATED'::text, 'CARRIER_SCANNED'::text, 'RETURN_RECEIVED'::text, 'INSPECTION_PASSED'::text, 'INSPECTION_FAILED'::text, 'COMPLETED'::text, 'CANCELLED'::text, 'CONVERTED_TO_REFUND'::text])))
);
CREATE INDEX milestone_of_exchange ON public.milestone USING btree (exchange_id, milestone);
CREATE UNIQUE INDEX milestone_once ON public.milestone USING btree (reservation_id, milestone, exchange_id) NULLS NOT DISTINCT;
CREATE TRIGGER milestone_append_only BEFORE DELETE OR UPDATE ON public.milestone FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER milestone_no_truncate BEFORE TRUNCATE ON public.milestone FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table notification (
  notification_id uuid not null,
  reservation_id uuid not null,
  kind text not null,
  facts json not null,
  create_time timestamp(3) with time zone not null,
  acknowledge_time timestamp(3) with time zone,
  acknowledged_by text default ''::text not null,
  constraint notification_acknowledged CHECK (((acknowledge_time IS NULL) = (acknowledged_by = ''::text))),
  constraint notification_kind_check CHECK ((kind = ANY (ARRAY['EXPIRED'::text, 'EXPIRING_SOON'::text, 'RELEASED'::text, 'SHORTAGE'::text, 'REFUSED_BY_WAREHOUSE'::text, 'LATE_PICK'::text, 'INCOMPLETE'::text, 'RETURN_TO_STOCK'::text, 'SUGGEST_REFUND'::text]))),
  constraint notification_pkey PRIMARY KEY (notification_id),
  constraint notification_once UNIQUE (reservation_id, kind)
);
CREATE INDEX notification_open ON public.notification USING btree (kind, notification_id) WHERE (acknowledge_time IS NULL);
CREATE INDEX notification_seen ON public.notification USING btree (kind, notification_id) WHERE (acknowledge_time IS NOT NULL);

create table order_line (
  order_id text not null,
  order_line_id text not null,
  purchased integer default 0 not null,
  exchanged integer default 0 not null,
  constraint order_line_bound CHECK (((exchanged >= 0) AND ((purchased = 0) OR (exchanged <= purchased)))),
  constraint order_line_pkey PRIMARY KEY (order_id, order_line_id)
) with (fillfactor=90);

create table outbox (
  outbox_id bigint generated always as identity not null,
  topic text not null,
  key text not null,
  warehouse text not null,
  version bigint not null,
  body json,
  traceparent text not null,
  create_time timestamp(3) with time zone default now() not null,
  published_time timestamp(3) with time zone,
  xid xid8 default pg_current_xact_id() not null,
  constraint outbox_topic_check CHECK ((topic = ANY (ARRAY['reservation'::text, 'pool'::text, 'verdict'::text]))),
  constraint outbox_pkey PRIMARY KEY (outbox_id)
) with (fillfactor=80);
CREATE UNIQUE INDEX outbox_once_per_transition ON public.outbox USING btree (key, version) WHERE (topic = 'reservation'::text);
CREATE INDEX outbox_unpublished ON public.outbox USING btree (outbox_id) WHERE (published_time IS NULL);
CREATE INDEX outbox_xid ON public.outbox USING btree (xid);

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
  times integer not null,
  first_time timestamp(3) with time zone not null,
  create_time timestamp(3) with time zone not null,
  trace_id text not null,
  asked json,
  constraint refused_reserve_times_check CHECK ((times >= 1)),
  constraint refused_reserve_pkey PRIMARY KEY (exchange_id, reason)
) with (fillfactor=85);
CREATE INDEX refused_reserve_order ON public.refused_reserve USING btree (order_id, create_time) WHERE (order_id <> ''::text);
CREATE INDEX refused_reserve_return_case ON public.refused_reserve USING btree (return_case_id, create_time) WHERE (return_case_id <> ''::text);
CREATE INDEX refused_reserve_time ON public.refused_reserve USING btree (create_time, exchange_id, reason);

create table request_claim (
  principal text not null,
  method text not null,
  request_id text not null,
  content_hash bytea not null,
  reservation_id uuid,
  reservation_version integer,
  answer json,
  create_time timestamp(3) with time zone default now() not null,
  constraint request_claim_pkey PRIMARY KEY (principal, method, request_id)
) with (fillfactor=90);
CREATE INDEX request_claim_time ON public.request_claim USING brin (create_time);

create table request_fact (
  reservation_id uuid not null,
  attributes json not null,
  postal_code text not null,
  create_time timestamp(3) with time zone not null,
  constraint request_fact_pkey PRIMARY KEY (reservation_id)
);
CREATE INDEX request_fact_time ON public.request_fact USING brin (create_time);

create table reservation (
  reservation_id uuid not null,
  tracking_id text not null,
  version integer not null,
  state text not null,
  exchange_id text not null,
  return_case_id text not null,
  order_id text not null,
  customer_ref text not null,
  channel text not null,
  priority integer not null,
  lines json not null,
  rule_version bigint not null,
  create_time timestamp(3) with time zone not null,
  expire_time timestamp(3) with time zone not null,
  resolve_time timestamp(3) with time zone,
  release_reason text,
  trace_id text not null,
  confirm_time timestamp(3) with time zone,
  overdue_flagged boolean default false not null,
  warned_time timestamp(3) with time zone,
  pick_awaits text,
  constraint reservation_deadline CHECK ((expire_time >= create_time)),
  constraint reservation_pick_awaits CHECK (((pick_awaits IS NULL) OR ((state <> ALL (ARRAY['PREPARING'::text, 'READY'::text])) AND (pick_awaits = ANY (ARRAY['APPROVED'::text, 'LABEL_CREATED'::text, 'CARRIER_SCANNED'::text, 'RETURN_RECEIVED'::text, 'INSPECTION_PASSED'::text, 'INSPECTION_FAILED'::text, 'COMPLETED'::text, 'CANCELLED'::text, 'CONVERTED_TO_REFUND'::text]))))),
  constraint reservation_release_reason_check CHECK ((release_reason = ANY (ARRAY['CANCELLED'::text, 'REFUNDED'::text, 'EXPIRED'::text, 'SUPERSEDED'::text, 'SHORT_PICKED'::text, 'MANUAL'::text]))),
  constraint reservation_resolved CHECK ((((resolve_time IS NOT NULL) = (state = ANY (ARRAY['FULFILLED'::text, 'RELEASED'::text, 'EXPIRED'::text]))) AND ((release_reason IS NOT NULL) = (state = ANY (ARRAY['RELEASED'::text, 'EXPIRED'::text]))))),
  constraint reservation_state_check CHECK ((state = ANY (ARRAY['WAITLISTED'::text, 'RESERVED'::text, 'PREPARING'::text, 'READY'::text, 'FULFILLED'::text, 'RELEASED'::text, 'EXPIRED'::text]))),
  constraint reservation_version_check CHECK ((version >= 1)),
  constraint reservation_waits CHECK (((state = 'WAITLISTED'::text) = (strpos((lines)::text, '"waiting":'::text) > 0))),
  constraint reservation_pkey PRIMARY KEY (reservation_id),
  constraint reservation_tracking_id_key UNIQUE (tracking_id)
) with (fillfactor=80);
CREATE INDEX reservation_customer ON public.reservation USING btree (customer_ref, reservation_id) WHERE (customer_ref <> ''::text);
CREATE INDEX reservation_exchange ON public.reservation USING btree (exchange_id, reservation_id);
CREATE INDEX reservation_expirable ON public.reservation USING btree (expire_time) WHERE (state = ANY (ARRAY['RESERVED'::text, 'WAITLISTED'::text]));
CREATE INDEX reservation_in_preparation ON public.reservation USING btree (expire_time) WHERE ((state = ANY (ARRAY['PREPARING'::text, 'READY'::text])) AND (NOT overdue_flagged));
CREATE UNIQUE INDEX reservation_live_exchange ON public.reservation USING btree (exchange_id) WHERE (resolve_time IS NULL);
CREATE INDEX reservation_live_sale ON public.reservation USING btree (reservation_id) WHERE ((channel = 'SALE'::text) AND (resolve_time IS NULL));
CREATE INDEX reservation_order ON public.reservation USING btree (order_id, reservation_id);
CREATE INDEX reservation_resolve_time ON public.reservation USING btree (resolve_time, reservation_id) WHERE (resolve_time IS NOT NULL);
CREATE INDEX reservation_return_case ON public.reservation USING btree (return_case_id, reservation_id);
CREATE TRIGGER reservation_kept BEFORE DELETE ON public.reservation FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER reservation_no_truncate BEFORE TRUNCATE ON public.reservation FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER reservation_transition BEFORE UPDATE ON public.reservation FOR EACH ROW EXECUTE FUNCTION refuse_illegal_transition();

create table rule_version (
  version bigint not null,
  effective_time timestamp(3) with time zone not null,
  create_time timestamp(3) with time zone default now() not null,
  actor text not null,
  reason text not null,
  body jsonb not null,
  constraint rule_version_pkey PRIMARY KEY (version)
);
CREATE TRIGGER rule_version_append_only BEFORE DELETE OR UPDATE ON public.rule_version FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER rule_version_no_truncate BEFORE TRUNCATE ON public.rule_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table shortage (
  shortage_id uuid not null,
  sku text not null,
  warehouse text not null,
  quantity integer not null,
  most integer not null,
  unsettled integer default 0 not null,
  open_time timestamp(3) with time zone not null,
  close_time timestamp(3) with time zone,
  cures_left boolean default false not null,
  constraint shortage_check CHECK (((most >= 1) AND (most >= quantity))),
  constraint shortage_closed CHECK (((close_time IS NULL) = (quantity > 0))),
  constraint shortage_quantity_check CHECK ((quantity >= 0)),
  constraint shortage_pkey PRIMARY KEY (shortage_id)
);
CREATE INDEX shortage_open ON public.shortage USING btree (shortage_id) WHERE (close_time IS NULL);
CREATE UNIQUE INDEX shortage_open_once ON public.shortage USING btree (sku, warehouse) WHERE (close_time IS NULL);
CREATE INDEX shortage_sku ON public.shortage USING btree (sku, shortage_id);
CREATE INDEX shortage_unsettled ON public.shortage USING btree (shortage_id) WHERE ((unsettled <> 0) OR (cures_left AND (close_time IS NULL)));

create table shortage_victim (
  shortage_id uuid not null,
  reservation_id uuid not null,
  line_number integer not null,
  quantity integer not null,
  constraint shortage_victim_quantity_check CHECK ((quantity >= 1)),
  constraint shortage_victim_pkey PRIMARY KEY (shortage_id, reservation_id, line_number)
);

create table stock_movement (
  movement_id uuid not null,
  sku text not null,
  warehouse text not null,
  kind text not null,
  on_hand_delta integer not null,
  unavailable_delta integer not null,
  committed_delta integer not null,
  pool_version bigint not null,
  reservation_id uuid,
  actor text not null,
  reason text not null,
  occur_time timestamp(3) with time zone not null,
  create_time timestamp(3) with time zone not null,
  trace_id text not null,
  constraint stock_movement_kind_check CHECK ((kind = ANY (ARRAY['RECEIVED'::text, 'ADJUSTED'::text, 'COUNTED'::text, 'SHIPPED'::text, 'SHORT_PICKED'::text]))),
  constraint stock_movement_pkey PRIMARY KEY (movement_id)
);
CREATE INDEX stock_movement_pool ON public.stock_movement USING btree (sku, warehouse, occur_time);
CREATE TRIGGER stock_movement_append_only BEFORE DELETE OR UPDATE ON public.stock_movement FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER stock_movement_no_truncate BEFORE TRUNCATE ON public.stock_movement FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

create table stock_pool (
  sku text not null,
  warehouse text not null,
  on_hand integer default 0 not null,
  reserved integer default 0 not null,
  unavailable integer default 0 not null,
  committed integer default 0 not null,
  safety_stock integer default 0 not null,
  shortage integer default 0 not null,
  version bigint default 0 not null,
  change_time timestamp(3) with time zone default now() not null,
  count_time timestamp(3) with time zone,
  sale_reserved integer default 0 not null,
  exchange_minimum integer default 0 not null,
  low_threshold integer default 0 not null,
  rule_version bigint default 1 not null,
  constraint stock_pool_counters CHECK (((on_hand >= 0) AND (reserved >= 0) AND (unavailable >= 0) AND (committed >= 0) AND (safety_stock >= 0))),
  constraint stock_pool_minimum CHECK ((exchange_minimum <= ((reserved - sale_reserved) + GREATEST((0)::bigint, (((((on_hand)::bigint - unavailable) - committed) - reserved) - safety_stock))))),
  constraint stock_pool_promise CHECK ((shortage = GREATEST(0, (reserved - (on_hand - unavailable))))),
  constraint stock_pool_ruled CHECK (((sale_reserved >= 0) AND (sale_reserved <= reserved) AND (exchange_minimum >= 0) AND (low_threshold >= 0))),
  constraint stock_pool_sku_fkey FOREIGN KEY (sku) REFERENCES item(sku),
  constraint stock_pool_warehouse_fkey FOREIGN KEY (warehouse) REFERENCES warehouse(code),
  constraint stock_pool_pkey PRIMARY KEY (sku, warehouse)
) with (fillfactor=85);

create table stock_unit (
  sku text not null,
  unit_id text not null,
  warehouse text not null,
  on_hand boolean not null,
  allocated boolean not null,
  unavailable boolean not null,
  constraint stock_unit_unit_id_check CHECK ((unit_id <> ''::text)),
  constraint stock_unit_pkey PRIMARY KEY (sku, unit_id)
) with (fillfactor=85);
CREATE INDEX stock_unit_free ON public.stock_unit USING btree (sku, warehouse, unit_id) WHERE (on_hand AND (NOT allocated) AND (NOT unavailable));
CREATE INDEX stock_unit_lost ON public.stock_unit USING btree (sku, warehouse, unit_id) WHERE (allocated AND (unavailable OR (NOT on_hand)));
CREATE INDEX stock_unit_pool ON public.stock_unit USING btree (sku, warehouse);

create table waitlist (
  reservation_id uuid not null,
  line_number integer not null,
  sku text not null,
  units integer not null,
  warehouse text not null,
  priority integer not null,
  since_time timestamp(3) with time zone not null,
  constraint waitlist_units CHECK ((units > 0)),
  constraint waitlist_pkey PRIMARY KEY (reservation_id, line_number)
) with (fillfactor=85);
CREATE INDEX waitlist_queue ON public.waitlist USING btree (sku, priority DESC, since_time, reservation_id, line_number);

create table warehouse (
  code text not null,
  name text not null,
  time_zone text not null,
  priority integer not null,
  country_code text not null,
  postal_code text not null,
  enabled boolean not null,
  wms text not null,
  constraint warehouse_code_check CHECK (((octet_length(code) >= 1) AND (octet_length(code) <= 64))),
  constraint warehouse_pkey PRIMARY KEY (code)
);

CREATE OR REPLACE FUNCTION public.assert_rows(actual bigint, expected bigint, what text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if actual <> expected then
    raise exception 'expected % rows of %, found %', expected, what, actual using errcode = 'assert_failure';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION public.ledger_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$select clock_timestamp()$function$
;

CREATE OR REPLACE FUNCTION public.refuse_illegal_transition()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.refuse_ledger_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the ledger is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'raise_exception';
end $function$
;
