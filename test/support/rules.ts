import { randomUUID } from 'node:crypto';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { FIRST_RULES, rulesEtag } from '../../src/domain/rules.ts';
import type { RulesDraft } from '../../src/domain/rules-draft.ts';
import type { Outcome } from '../../src/ports.ts';
import { type PutRulesInput, putRules } from '../../src/use-cases/put-rules.ts';
import { CALL, CONTENT_HASH, type TestService } from './test-service.ts';

/** The first rules, to be changed at once. */
export const DRAFT: RulesDraft = { ...FIRST_RULES, effectiveAt: null, reason: 'a test' };

/** Puts rules made from a version. */
export function putDraft(
  service: TestService,
  from: number,
  draft: Partial<RulesDraft> = {},
  more: Partial<PutRulesInput> = {},
): Promise<Outcome> {
  const input = { requestId: randomUUID(), contentHash: CONTENT_HASH, etag: rulesEtag(from), ...more };
  return putRules({ ...service, compileRule }, { ...input, draft: { ...DRAFT, ...draft } }, CALL);
}

/** The version an outcome made, or why it made none. */
export function madeVersion(outcome: Outcome): number | string {
  if (!outcome.ok) return outcome.refusal.reason;
  if (outcome.answer.kind !== 'rules') throw new TypeError('PutRules answers with rules');
  return outcome.answer.rules.version;
}
