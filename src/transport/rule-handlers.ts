import type { CompileRule } from '../domain/eligibility.ts';
import { refuse } from '../domain/refusal.ts';
import { ApplyRulesRequestSchema, PutRulesRequestSchema, RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { LeftReservation } from '../ports.ts';
import { type ApplyDeps, applyRules } from '../use-cases/apply-rules.ts';
import { putRules } from '../use-cases/put-rules.ts';
import { contentHash } from './content-hash.ts';
import { toPageRequest } from './page-mapping.ts';
import { toReservation, toState } from './reservation-mapping.ts';
import { isRefusal, toWireRefusal } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toDraft, toWireRules, toWireRuleVersion } from './rule-mapping.ts';
import { fromTimestamp } from './wire-time.ts';

interface Deps extends ApplyDeps {
  readonly rules: RulesReader;
  readonly compileRule: CompileRule;
}

/** GetRules, ListRuleVersions, PutRules and ApplyRules. */
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
    unary(RuleService.method.applyRules, async (request, call) => {
      const input = {
        requestId: request.requestId,
        contentHash: contentHash(ApplyRulesRequestSchema, request),
        reservationIds: request.reservationIds.map((id) => id.toLowerCase()),
        states: request.states.map(toState),
        sku: request.sku,
        warehouse: request.warehouse,
        createdBefore: fromTimestamp(request.createdBefore),
        reason: request.reason,
        size: request.pageSize,
        token: request.pageToken,
      };
      const outcome = await applyRules(deps, input, call);
      if (!outcome.ok) throw refusedCall(outcome.refusal);
      const { answer, replayed } = outcome;
      if (answer.kind !== 'rules-applied') throw new TypeError('ApplyRules answers with what was applied');
      return {
        reservationsChecked: BigInt(answer.checked),
        reservations: answer.changed.map(toReservation),
        reservationsRemaining: BigInt(answer.remaining),
        ruleVersion: BigInt(answer.ruleVersion),
        left: answer.left.map(toLeft),
        nextPageToken: answer.nextToken,
        replayed,
      };
    }),
  ];
}

function toLeft({ trackingId, exchangeId, left, refusal }: LeftReservation) {
  return { trackingId, exchangeId, reason: left, ...(refusal === null ? {} : { refusal: toWireRefusal(refusal) }) };
}
