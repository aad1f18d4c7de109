import type pg from 'pg';

/**
 * The invariants as one statement over all rows: each row it answers is one that is broken. It shares nothing with the
 * ledger auditor, which runs besides at the end of each history. What waits for units that are there is looked for while
 * the first rules hold; what later ones keep from the queue, the model knows.
 */
const BROKEN = `
with held as (
  select a.sku, a.warehouse, sum(a.reserved) as reserved, sum(a.fulfilled) as fulfilled
  from allocation a group by 1, 2),
asked as (
  select r.reservation_id, r.order_id, r.priority, r.expire_time, l."lineNumber" as line_number, l.sku,
    l."orderLineId" as order_line_id, (l.waiting ->> 'units')::int as units, l.waiting ->> 'warehouse' as warehouse
  from reservation r cross join lateral json_to_recordset(r.lines)
    as l ("lineNumber" int, sku text, "orderLineId" text, waiting json)
  where l.waiting is not null),
told as (
  select e.reservation_id, e.version, e.hash, e.body, convert_from(e.body, 'UTF8')::json -> 9 ->> 'state' as state
  from audit_event e),
events as (
  select e.*, lag(e.state) over w as before, lag(e.version) over w as version_before,
    coalesce(lag(e.hash) over w, decode(repeat('00', 32), 'hex')) as hash_before,
    last_value(e.version) over (w rows between unbounded preceding and unbounded following) as last_version
  from told e window w as (partition by e.reservation_id order by e.version))
select 'R19 queue is not what waits ' || coalesce(w.reservation_id, q.reservation_id) as broken from asked w
  full join waitlist q using (reservation_id, line_number)
  where (w.sku, w.units, w.warehouse, w.priority) is distinct from (q.sku, q.units, q.warehouse, q.priority)
union all
select 'R19 state of ' || r.reservation_id from reservation r
  where (r.state = 'WAITLISTED') <> exists (select 1 from asked w where w.reservation_id = r.reservation_id)
union all
select 'R19 waits for what is there ' || w.reservation_id from asked w
  where w.expire_time > (select ledger_now()) and w.units <= (
    select coalesce(sum(greatest(0, p.on_hand - p.unavailable - p.committed - p.reserved)), 0) from stock_pool p
    where p.sku = w.sku and w.warehouse in ('', p.warehouse))
  and not exists (select 1 from rule_version where version > 1)
union all
select 'I1 promise ' || sku || ' ' || warehouse from stock_pool
  where reserved < 0 or on_hand < 0 or shortage <> greatest(0, reserved - (on_hand - unavailable))
union all
select 'I2 counter ' || p.sku || ' ' || p.warehouse || ': ' || p.reserved || ' is not ' || coalesce(h.reserved, 0)
  from stock_pool p left join held h using (sku, warehouse) where p.reserved <> coalesce(h.reserved, 0)
union all
select 'I3 pool missing for held units of ' || h.sku from held h
  where h.reserved > 0 and not exists (select 1 from stock_pool p where p.sku = h.sku and p.warehouse = h.warehouse)
union all
select 'I4 two live reservations of ' || exchange_id from reservation where resolve_time is null
  group by exchange_id having count(*) > 1
union all
select 'I4 request id without effect ' || c.request_id from request_claim c where c.answer is null and c.reservation_id is not null
  and not exists (select 1 from audit_event e where e.reservation_id = c.reservation_id and e.version = c.reservation_version)
union all
select 'I4 reservation not made by one request ' || r.reservation_id from reservation r
  where (select count(*) from request_claim c
    where c.method = 'Reserve' and c.reservation_id = r.reservation_id and c.reservation_version = 1) <> 1
union all
select 'I6 not conserved ' || reservation_id from allocation
  where quantity <> reserved + fulfilled + released or least(reserved, fulfilled, released) < 0
union all
select 'I6 resolved but holds ' || a.reservation_id from allocation a join reservation r using (reservation_id)
  where r.resolve_time is not null and a.reserved > 0
union all
select 'I6 on hand is not the sum of movements ' || p.sku || ' ' || p.warehouse from stock_pool p
  where p.on_hand <> coalesce((select sum(m.on_hand_delta) from stock_movement m
    where m.sku = p.sku and m.warehouse = p.warehouse), 0)
union all
select 'I6 more was shipped than fulfilled ' || h.sku || ' ' || h.warehouse from held h
  where h.fulfilled < coalesce((select -sum(m.on_hand_delta) from stock_movement m
    where m.sku = h.sku and m.warehouse = h.warehouse and m.kind = 'SHIPPED' and m.reservation_id is not null), 0)
union all
select 'I7 versions of ' || reservation_id from events where version <> coalesce(version_before, 0) + 1
union all
select 'I7 illegal ' || before || ' to ' || state from events
  where before in ('FULFILLED', 'RELEASED', 'EXPIRED')
    or (before = 'READY' and state = 'EXPIRED') or (before = 'PREPARING' and state = 'EXPIRED')
    or (before is null and state not in ('RESERVED', 'WAITLISTED'))
    or (before = 'WAITLISTED' and state in ('PREPARING', 'READY'))
union all
select 'I8 chain of ' || reservation_id || ' at ' || version from events
  where hash <> sha256(hash_before || body)
union all
select 'I8 last event is not the row ' || r.reservation_id from reservation r
  left join events e on e.reservation_id = r.reservation_id and e.version = e.last_version
  where e.version is distinct from r.version or e.state is distinct from r.state
union all
select 'I9 messages of reservation ' || e.reservation_id || ' ' || e.version from audit_event e
  where (select count(*) from outbox o
    where o.topic = 'reservation' and o.key = e.reservation_id::text and o.version = e.version) <> 1
union all
select 'I9 messages of pool ' || p.sku || ' ' || p.warehouse from stock_pool p
  where p.version > 0 and (select count(*) from outbox o where o.topic = 'pool' and o.key = p.sku
    and o.warehouse = p.warehouse) <> p.version
union all
select 'I16 freed early ' || reservation_id from reservation where state = 'EXPIRED' and resolve_time < expire_time
union all
select 'I19 notifications of ' || r.reservation_id || ': ' || k.kind from reservation r
  cross join lateral (values ('EXPIRED', r.state = 'EXPIRED'), ('RELEASED', r.state = 'RELEASED'),
    ('LATE_PICK', r.overdue_flagged)) as k (kind, is_so)
  where (select count(*) from notification n where n.reservation_id = r.reservation_id and n.kind = k.kind) <> k.is_so::int
union all
select 'P26 reported, and no pick asked for ' || r.reservation_id from reservation r
  where r.resolve_time is null and r.pick_awaits is not null and exists (select 1 from milestone m
    where m.exchange_id = r.exchange_id and m.milestone = r.pick_awaits)
union all
select 'P22 order line ' || o.order_id || ' ' || o.order_line_id from order_line o
  where o.exchanged <> coalesce((select sum(w.units) from asked w
      where w.order_id = o.order_id and w.order_line_id = o.order_line_id), 0) + coalesce((
    select sum(a.reserved + a.fulfilled) from reservation r
      cross join lateral json_to_recordset(r.lines) as l ("lineNumber" int, "orderLineId" text)
      join allocation a on a.reservation_id = r.reservation_id and a.line_number = l."lineNumber"
    where r.order_id = o.order_id and l."orderLineId" = o.order_line_id), 0)
    or (o.purchased > 0 and o.exchanged > o.purchased)`;

/** Says which invariants the database breaks now; empty where all hold. */
export async function brokenInvariants(client: pg.Client): Promise<string[]> {
  const result = await client.query<{ broken: string }>({ name: 'broken-invariants', text: BROKEN });
  return result.rows.map((row) => row.broken);
}
