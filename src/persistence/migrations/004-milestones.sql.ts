/**
 * What was reported of exchanges, also where nothing followed from it: late, again, or overtaken. Each milestone once
 * for each reservation, and once for an exchange that never had one.
 */
export const MILESTONES_SQL = `
create table milestone (
  exchange_id text not null,
  reservation_id uuid,
  milestone text not null check (milestone in (
    'APPROVED', 'LABEL_CREATED', 'CARRIER_SCANNED', 'RETURN_RECEIVED', 'INSPECTION_PASSED', 'INSPECTION_FAILED',
    'COMPLETED', 'CANCELLED', 'CONVERTED_TO_REFUND')),
  occur_time timestamptz(3) not null,
  create_time timestamptz(3) not null,
  applied boolean not null,
  actor text not null,
  channel text not null,
  reason text not null,
  trace_id text not null
);
create unique index milestone_once on milestone (reservation_id, milestone, exchange_id) nulls not distinct;
create trigger milestone_append_only before update or delete on milestone
  for each row execute function refuse_ledger_change();
create trigger milestone_no_truncate before truncate on milestone
  for each statement execute function refuse_ledger_change();
`;
