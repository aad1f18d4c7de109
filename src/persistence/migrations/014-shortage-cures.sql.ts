/**
 * Cures of shortages: whether a shortage has more lines to be held in other warehouses than one commit may look at, so
 * that the worker goes on with it, and the notification that suggests a refund.
 */
export const SHORTAGE_CURES_SQL = `
alter table shortage add column cures_left boolean not null default false;
drop index shortage_unsettled;
create index shortage_unsettled on shortage (shortage_id) where unsettled <> 0 or (cures_left and close_time is null);
alter table notification drop constraint notification_kind_check, add constraint notification_kind_check
  check (kind in ('EXPIRED', 'EXPIRING_SOON', 'RELEASED', 'SHORTAGE', 'REFUSED_BY_WAREHOUSE', 'LATE_PICK', 'INCOMPLETE',
    'RETURN_TO_STOCK', 'SUGGEST_REFUND'));
`;
