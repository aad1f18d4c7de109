/** A warning that a deadline is near: an event of its own, and the deadline it told of. */
export const EXPIRY_WARNING_SQL = `
alter table reservation add column warned_time timestamptz(3);
alter table audit_event drop constraint audit_event_kind_check;
alter table audit_event add constraint audit_event_kind_check check (kind in ('reserved', 'waitlisted', 'extended',
  'changed', 'preparing', 'ready', 'short', 'released', 'expired', 'fulfilled', 'expiring-soon'));
`;
