/** A statement that PostgreSQL prepares once per connection. */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
}

/** Claims the request id and the exchange; a row says which of the two were free. */
export const CLAIM: NamedStatement = {
  name: 'claim',
  text: `with claimed as (
      insert into request (request_id, content_hash, reservation_id) values ($1, $2, $4)
      on conflict do nothing returning 1
    ), opened as (
      insert into exchange (exchange_id, reservation_id) values ($3, $4) on conflict do nothing returning 1
    )
    select exists (select from claimed) as "isNew", exists (select from opened) as "isOpen"`,
};

/** Takes the units, or changes no row where there are not enough. */
export const TAKE: NamedStatement = {
  name: 'take',
  text: `update pool set reserved = reserved + $3, version = version + 1
    where sku = $1 and warehouse = $2 and on_hand - reserved >= $3
    returning on_hand as "onHand", reserved, version::float8 as version`,
};

/** One reservation with its allocations. */
export const INSERT_RESERVATION: NamedStatement = {
  name: 'insert-reservation',
  text: `with held as (
      insert into reservation (reservation_id, tracking_id, version, state, exchange_id, return_case_id, order_id,
        customer_ref, channel, create_time, expire_time)
      values ($1, $2, 1, 'RESERVED', $3, $4, $5, $6, $7, $8, $9)
    )
    insert into allocation (reservation_id, line_number, sku, warehouse, quantity)
    select $1::uuid, line.* from unnest($10::int[], $11::text[], $12::text[], $13::int[]) as line`,
};

/** The audit event, and one outbox row for the reservation and for each pool. */
export const INSERT_EVIDENCE: NamedStatement = {
  name: 'insert-evidence',
  text: `with audited as (
      insert into audit_event (reservation_id, version, event_id, kind, actor, after_state, create_time)
      values ($1, 1, $2, 'reserved', $3, $4, $5)
    )
    insert into outbox (topic, key, version, body)
    select * from unnest($6::text[], $7::text[], $8::bigint[], $9::json[])`,
};

/** The first answer to a request id. */
export const FIND_ANSWER: NamedStatement = {
  name: 'find-answer',
  text: `select r.content_hash as "contentHash", e.after_state as state
    from request r join audit_event e on e.reservation_id = r.reservation_id and e.version = 1
    where r.request_id = $1`,
};
