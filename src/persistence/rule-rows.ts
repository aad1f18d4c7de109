import { FIRST_RULES, type Rules } from '../domain/rules.ts';
import { millis } from './statements.ts';

export const RULE_COLUMNS = `v.version::float8 as version, ${millis('v.effective_time')} as effective_at,
  ${millis('v.create_time')} as created_at, v.actor, v.reason, v.body::text as body`;

export interface RuleRow {
  readonly version: number;
  readonly effective_at: number;
  readonly created_at: number;
  readonly actor: string;
  readonly reason: string;
  readonly body: string;
}

/** What a version does not say is as in the first rules, which also stand for the form they were once stored in. */
export function toRules(row: RuleRow): Rules {
  const { eligibility, ...body } = JSON.parse(row.body) as Partial<Rules>;
  return {
    ...FIRST_RULES,
    ...body,
    ...(Array.isArray(eligibility) ? { eligibility } : {}),
    version: row.version,
    effectiveAt: row.effective_at,
    reason: row.reason,
  };
}

/** The part of a version that has no column of its own. */
export function rulesBody({ version: _, effectiveAt: __, reason: ___, ...body }: Rules): string {
  return JSON.stringify(body);
}
