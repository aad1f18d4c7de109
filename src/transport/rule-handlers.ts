import type { CompileRule } from '../domain/eligibility.ts';
import { refuse } from '../domain/refusal.ts';
import { PutRulesRequestSchema, RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { UnitOfWork } from '../ports.ts';
import { putRules } from '../use-cases/put-rules.ts';
import { contentHash } from './content-hash.ts';
import { toPageRequest } from './page-mapping.ts';
import { isRefusal } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toDraft, toWireRules, toWireRuleVersion } from './rule-mapping.ts';

interface Deps {
  readonly unitOfWork: UnitOfWork;
  readonly rules: RulesReader;
  readonly compileRule: CompileRule;
}

/** GetRules, ListRuleVersions and PutRules. */
export function ruleHandlers(deps: Deps): Rpc[] {
  return [
    unary(RuleService.method.getRules, async ({ version }) => {
      const rules = version === 0n ? await deps.rules.current() : await deps.rules.version(version);
      if (rules !== null) return { rules: toWireRules(rules) };
      const metadata = { field: 'version', version: String(version) };
      throw refusedCall(refuse('INVALID_FIELD', `the rules have no version ${version}`, metadata));
    }),
    unary(RuleService.method.listRuleVersions, async (request) => {
      const { rows, nextPageToken } = await deps.rules.list(toPageRequest(request));
      return { versions: rows.map(toWireRuleVersion), nextPageToken };
    }),
    unary(RuleService.method.putRules, async (request, call) => {
      if (request.rules === undefined) throw new TypeError('validation requires the rules');
      const draft = toDraft(request.rules);
      if (isRefusal(draft)) throw refusedCall(draft);
      const key = { requestId: request.requestId, contentHash: contentHash(PutRulesRequestSchema, request) };
      const outcome = await putRules(deps, { ...key, etag: request.rules.etag, draft }, call);
      if (!outcome.ok) throw refusedCall(outcome.refusal);
      if (outcome.answer.kind !== 'rules') throw new TypeError('PutRules answers with rules');
      return { rules: toWireRules(outcome.answer.rules), replayed: outcome.replayed };
    }),
  ];
}
