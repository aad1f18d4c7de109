import { type CompileRule, type EligibilityCheck, makeCheck } from '../domain/eligibility.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { rulesEtag } from '../domain/rules.ts';
import { checkDraft, ELIGIBILITY_COST_MAX, invalid, type RulesDraft } from '../domain/rules-draft.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, claimOf, type RequestKey, submitOne } from './call.ts';

export interface PutRulesInput extends RequestKey {
  /** Names the newest version, which this one is made from. */
  readonly etag: string;
  readonly draft: RulesDraft;
}

interface Deps {
  readonly unitOfWork: UnitOfWork;
  readonly compileRule: CompileRule;
}

/** Makes the next version of the rules. What is held keeps the version it was decided by. */
export async function putRules(deps: Deps, input: PutRulesInput, call: Call): Promise<Outcome> {
  const refusal = checkDraft(input.draft);
  if (refusal !== null) return { ok: false, refusal };
  const checks = compileAll(input.draft, deps.compileRule);
  if ('reason' in checks) return { ok: false, refusal: checks };
  const command: Command = {
    name: 'put-rules',
    caller: call.caller,
    claim: claimOf('PutRules', input),
    needs: { ...NO_NEEDS, newRules: true },
    lineCount: 1,
    trace: call.trace,
    decide: (work) => decidePutRules(work, input, checks, call),
  };
  return await submitOne(deps.unitOfWork, command, call);
}

/** All rules ready to be asked, or the first that cannot be. */
function compileAll(draft: RulesDraft, compileRule: CompileRule): EligibilityCheck[] | Refusal {
  const checks: EligibilityCheck[] = [];
  for (const [at, rule] of draft.eligibility.entries()) {
    const check = makeCheck(rule, compileRule);
    if ('problem' in check) {
      const { problem, line, column } = check;
      return invalid(`eligibility[${at}].expression`, problem, { rule: rule.name, line, column });
    }
    checks.push(check);
  }
  const cost = checks.reduce((sum, check) => sum + check.cost, 0);
  if (cost <= ELIGIBILITY_COST_MAX) return checks;
  const problem = `the rules may take ${cost} steps together, more than ${ELIGIBILITY_COST_MAX}`;
  return invalid('eligibility', problem, { limit: ELIGIBILITY_COST_MAX, cost });
}

function decidePutRules(
  work: WorkingSet,
  input: PutRulesInput,
  checks: readonly EligibilityCheck[],
  call: Call,
): Decision {
  const { draft, etag } = input;
  const { newest } = work.ruleBook;
  if (etag !== rulesEtag(newest)) {
    const metadata = { etag: rulesEtag(newest), rule_version: newest };
    return { refusal: refuse('ETAG_MISMATCH', 'the rules have a newer version', metadata, 0) };
  }
  const refusal = checkWarehouses(work, draft);
  if (refusal !== null) return { refusal };
  // What was to hold from an instant that has passed holds from now: the past was decided by other rules.
  const effectiveAt = Math.max(draft.effectiveAt ?? work.now, work.now);
  const rules = { ...draft, version: newest + 1, effectiveAt };
  work.putRules({ rules, checks }, call.caller);
  return { answer: { kind: 'rules', rules } };
}

function checkWarehouses(work: WorkingSet, draft: RulesDraft): Refusal | null {
  const isUnknown = (code: string) => work.warehouse(code) === null;
  for (const [channel, warehouses] of Object.entries(draft.channelWarehouses)) {
    const warehouse = warehouses.find(isUnknown);
    if (warehouse !== undefined) return unknownWarehouse('rules.channel_warehouses', warehouse, { channel });
  }
  for (const [at, { warehouse }] of draft.safetyStocks.entries()) {
    if (warehouse === '' || !isUnknown(warehouse)) continue;
    return unknownWarehouse(`rules.safety_stocks[${at}].warehouse`, warehouse, {});
  }
  return null;
}

function unknownWarehouse(field: string, warehouse: string, more: Record<string, string>): Refusal {
  return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { field, ...more, warehouse });
}
