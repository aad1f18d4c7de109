/**
 * Merkle checkpoints over the audit events, their leaves in a table of their own. The worker that makes them looks for
 * events by time, and so does whoever lists them: the index keeps the order of both. Lists by actor and by unit have
 * indexes of their own; all others name reservations, whose events the primary key has in order.
 */
export const CHECKPOINTS_SQL = `
create table audit_leaf (
  leaf_index bigint primary key check (leaf_index >= 0),
  event_id uuid not null,
  reservation_id uuid not null,
  version integer not null,
  hash bytea not null check (octet_length(hash) = 32),
  constraint audit_leaf_event unique (reservation_id, version)
);
create table audit_checkpoint (
  size bigint primary key check (size > 0),
  root bytea not null check (octet_length(root) = 32),
  subtrees bytea[] not null,
  covered_time timestamptz(3) not null,
  create_time timestamptz(3) not null
);
create trigger audit_leaf_append_only before update or delete on audit_leaf
  for each row execute function refuse_ledger_change();
create trigger audit_leaf_no_truncate before truncate on audit_leaf
  for each statement execute function refuse_ledger_change();
create trigger audit_checkpoint_append_only before update or delete on audit_checkpoint
  for each row execute function refuse_ledger_change();
create trigger audit_checkpoint_no_truncate before truncate on audit_checkpoint
  for each statement execute function refuse_ledger_change();

drop index audit_event_time;
create index audit_event_time on audit_event (create_time, reservation_id, version);
create index audit_event_actor on audit_event (actor, create_time, reservation_id, version);
create index allocated_unit_unit on allocated_unit (unit_id, reservation_id);
`;
