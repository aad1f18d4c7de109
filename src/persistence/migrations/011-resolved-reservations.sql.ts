/** Resolved reservations by the instant of their resolution. A live one has no entry, so that making one writes none. */
export const RESOLVED_RESERVATIONS_SQL = `
create index reservation_resolve_time on reservation (resolve_time, reservation_id) where resolve_time is not null;
`;
