/**
 * What people should know of: one row for each reservation and kind, written in the commit of its cause. The text is made
 * of the facts when it is read. A list walks one of two indexes for each kind, which hold what nobody has acknowledged
 * and what somebody has, so that a page costs the same however many of either there are.
 */
export const NOTIFICATIONS_SQL = `
create table notification (
  notification_id uuid primary key,
  reservation_id uuid not null,
  kind text not null check (kind in ('EXPIRED', 'EXPIRING_SOON', 'RELEASED', 'SHORTAGE', 'REFUSED_BY_WAREHOUSE',
    'LATE_PICK', 'INCOMPLETE', 'RETURN_TO_STOCK')),
  facts json not null,
  create_time timestamptz(3) not null,
  acknowledge_time timestamptz(3),
  acknowledged_by text not null default '',
  constraint notification_once unique (reservation_id, kind),
  constraint notification_acknowledged check ((acknowledge_time is null) = (acknowledged_by = ''))
);
create index notification_open on notification (kind, notification_id) where acknowledge_time is null;
create index notification_seen on notification (kind, notification_id) where acknowledge_time is not null;
`;
