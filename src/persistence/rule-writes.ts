import type { WorkingSet } from '../domain/working-set.ts';
import { rulesBody } from './rule-rows.ts';
import { instant, type Statement } from './statements.ts';

/** Versions are made one at a time and never changed. */
export function ruleStatements({ ruleBook, now }: WorkingSet): Statement[] {
  return ruleBook.added.map(({ rules, author }) => ({
    name: 'insert-rules',
    text: `insert into rule_version (version, effective_time, create_time, actor, reason, body)
      values ($1::bigint, ${instant('$2::float8')}, ${instant('$3::float8')}, $4, $5, $6::jsonb)`,
    values: [rules.version, rules.effectiveAt, now, author.principal, rules.reason, rulesBody(rules)],
  }));
}
