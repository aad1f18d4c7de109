/** A rule version is never changed: what was decided by it can always be decided again. */
export const RULE_VERSIONS_SQL = `
create trigger rule_version_append_only before update or delete on rule_version
  for each row execute function refuse_ledger_change();
create trigger rule_version_no_truncate before truncate on rule_version
  for each statement execute function refuse_ledger_change();
`;
