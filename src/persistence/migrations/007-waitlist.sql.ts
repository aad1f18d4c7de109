/**
 * The queue of lines that wait for stock: what a waiting reservation says of itself, in the order in which it is served.
 * A reservation is WAITLISTED exactly where some line of it waits. Rows are made, changed and deleted by whoever holds
 * the pools of their SKU.
 */
export const WAITLIST_SQL = `
create table waitlist (
  reservation_id uuid not null,
  line_number integer not null,
  sku text not null,
  units integer not null,
  warehouse text not null,
  priority integer not null,
  since_time timestamptz(3) not null,
  primary key (reservation_id, line_number),
  constraint waitlist_units check (units > 0)
) with (fillfactor = 85);
create index waitlist_queue on waitlist (sku, priority desc, since_time, reservation_id, line_number);

alter table reservation add constraint reservation_waits check (
  (state = 'WAITLISTED') = (strpos(lines::text, '"waiting":') > 0));
`;
