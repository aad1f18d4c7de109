/**
 * An event is its canonical bytes: they are what is hashed and what everything an event says is read from. Only what
 * events are looked up by stays a column, and is held against the bytes by the audit.
 *
 * Events written before keep the hashes they have: their bytes are made here as they were hashed then, a JSON array of
 * the former columns, without the hash of the event before. They are told apart by their first element, a text instead
 * of the number of the form, and are verified by the rule of their time. Nothing is hashed anew, so an event that was
 * altered before this migration is still found after it.
 */
export const EVENT_BODIES_SQL = `
alter table audit_event disable trigger audit_event_append_only;
alter table audit_event add column body bytea;
update audit_event set body = convert_to('[' || concat_ws(',',
  to_json(event_id::text), to_json(reservation_id::text), version, to_json(kind), to_json(actor), to_json(actor_type),
  to_json(channel), to_json(reason), rule_version, floor(extract(epoch from create_time) * 1000)::bigint,
  to_json(trace_id), to_json(after_state::text)) || ']', 'UTF8');
alter table audit_event enable trigger audit_event_append_only;
alter table audit_event alter column body set not null;
alter table audit_event drop column actor_type, drop column channel, drop column reason, drop column rule_version,
  drop column after_state, drop column trace_id, drop column previous_hash;
`;
