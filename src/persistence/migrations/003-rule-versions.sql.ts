/**
 * A rule version is never changed: what was decided by it can always be decided again. A customer is a row to be locked
 * while the live reservations of the customer are counted.
 */
export const RULE_VERSIONS_SQL = `
create trigger rule_version_append_only before update or delete on rule_version
  for each row execute function refuse_ledger_change();
create trigger rule_version_no_truncate before truncate on rule_version
  for each statement execute function refuse_ledger_change();

create table customer (
  customer_ref text primary key check (customer_ref <> '')
) with (fillfactor = 90);
`;
