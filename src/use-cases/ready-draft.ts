import { type CompileRule, type EligibilityCheck, makeCheck } from '../domain/eligibility.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { checkDraft, ELIGIBILITY_COST_MAX, invalid, type RulesDraft } from '../domain/rules-draft.ts';

/** The eligibility rules of a draft ready to be asked, or why the draft cannot be put. */
export function readyDraft(draft: RulesDraft, compileRule: CompileRule): readonly EligibilityCheck[] | Refusal {
  const refusal = checkDraft(draft);
  if (refusal !== null) return refusal;
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

/** Refuses a draft that names a warehouse nobody knows. */
export function checkDraftWarehouses(draft: RulesDraft, isKnown: (code: string) => boolean): Refusal | null {
  for (const [channel, warehouses] of Object.entries(draft.channelWarehouses)) {
    const warehouse = warehouses.find((code) => !isKnown(code));
    if (warehouse !== undefined) return unknownWarehouse('rules.channel_warehouses', warehouse, { channel });
  }
  for (const [at, { warehouse }] of draft.safetyStocks.entries()) {
    if (warehouse === '' || isKnown(warehouse)) continue;
    return unknownWarehouse(`rules.safety_stocks[${at}].warehouse`, warehouse, {});
  }
  return null;
}

function unknownWarehouse(field: string, warehouse: string, more: Record<string, string>): Refusal {
  return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { field, ...more, warehouse });
}
