import type { CompileRule, EligibilityCheck } from '../domain/eligibility.ts';
import { refuse } from '../domain/refusal.ts';
import { rulesEtag } from '../domain/rules.ts';
import type { RulesDraft } from '../domain/rules-draft.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, claimOf, type RequestKey, submitOne } from './call.ts';
import { checkDraftWarehouses, readyDraft } from './ready-draft.ts';

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
  const checks = readyDraft(input.draft, deps.compileRule);
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
  const refusal = checkDraftWarehouses(draft, (code) => work.warehouse(code) !== null);
  if (refusal !== null) return { refusal };
  // What was to hold from an instant that has passed holds from now: the past was decided by other rules.
  const effectiveAt = Math.max(draft.effectiveAt ?? work.now, work.now);
  const rules = { ...draft, version: newest + 1, effectiveAt };
  work.putRules({ rules, checks }, call.caller);
  return { answer: { kind: 'rules', rules } };
}
