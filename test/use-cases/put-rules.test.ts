import { describe, expect, test } from 'vitest';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import type { RulesDraft } from '../../src/domain/rules-draft.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import { type PutRulesInput, putRules } from '../../src/use-cases/put-rules.ts';
import { DAY_MS, T0 } from '../support/arbitraries.ts';
import { aWorkingSet, CALL, decidingOn } from '../support/deciding.ts';

const DRAFT: RulesDraft = { ...FIRST_RULES, effectiveAt: null, reason: 'shorter', defaultHoldWindowMs: DAY_MS };

function put(work: WorkingSet, draft: Partial<RulesDraft> = {}, more: Partial<PutRulesInput> = {}) {
  const input = { requestId: 'q', contentHash: new Uint8Array(), etag: 'v1', draft: { ...DRAFT, ...draft }, ...more };
  return putRules({ unitOfWork: decidingOn(work), compileRule }, input, CALL);
}

describe('putting rules', () => {
  test('makes the next version, which holds from now', async () => {
    const work = aWorkingSet({ newestRules: 1 });
    const outcome = await put(work);
    expect(outcome).toMatchObject({ answer: { kind: 'rules', rules: { version: 2, effectiveAt: T0 } } });
    expect(work.rules).toMatchObject({ version: 2, defaultHoldWindowMs: DAY_MS, reason: 'shorter' });
    expect(work.ruleBook.added).toMatchObject([{ rules: { version: 2 }, author: CALL.caller }]);
  });

  test('for later leaves the rules that hold', async () => {
    const work = aWorkingSet({ newestRules: 1 });
    expect(await put(work, { effectiveAt: T0 + 1 })).toMatchObject({ answer: { rules: { effectiveAt: T0 + 1 } } });
    expect(work.rules.version).toBe(1);
    expect(work.ruleBook.newest).toBe(2);
  });

  test('for an instant that has passed holds from now', async () => {
    const work = aWorkingSet({ newestRules: 1 });
    expect(await put(work, { effectiveAt: 0 })).toMatchObject({ answer: { rules: { effectiveAt: T0 } } });
  });

  test.each(['v0', 'v2', '"v1"', '1'])('made from %s is refused and changes nothing', async (etag) => {
    const work = aWorkingSet({ newestRules: 1 });
    const outcome = await put(work, {}, { etag });
    expect(outcome).toMatchObject({
      refusal: { reason: 'ETAG_MISMATCH', metadata: { etag: 'v1', rule_version: '1' } },
    });
    expect(work.ruleBook.added).toEqual([]);
  });

  test('twice from one version is done once', async () => {
    const work = aWorkingSet({ newestRules: 1 });
    await put(work);
    expect(await put(work)).toMatchObject({ refusal: { reason: 'ETAG_MISMATCH', metadata: { etag: 'v2' } } });
    expect(await put(work, {}, { etag: 'v2' })).toMatchObject({ answer: { rules: { version: 3 } } });
  });

  test('for a warehouse that nobody knows is refused', async () => {
    const work = aWorkingSet({ newestRules: 1 });
    expect(await put(work, { channelWarehouses: { store: ['W1', 'W9'] } })).toMatchObject({
      refusal: { reason: 'UNKNOWN_WAREHOUSE', metadata: { channel: 'store', warehouse: 'W9' } },
    });
    expect(work.ruleBook.added).toEqual([]);
  });

  test('with an expression that cannot be asked names the rule and the place', async () => {
    const rule = { name: 'broken', expression: '1 +', customerMessage: '', staffMessage: '' };
    const outcome = await put(aWorkingSet({ newestRules: 1 }), { eligibility: [...DRAFT.eligibility, rule] });
    expect(outcome).toMatchObject({
      refusal: {
        reason: 'INVALID_FIELD',
        metadata: { field: 'rules.eligibility[2].expression', rule: 'broken', line: '1' },
      },
    });
  });

  test('with rules that are too many or too slow together is refused', async () => {
    const rule = (at: number, expression: string) => ({
      name: `r${at}`,
      expression,
      customerMessage: '',
      staffMessage: '',
    });
    const many = (count: number, expression: string) => Array.from({ length: count }, (_, at) => rule(at, expression));
    const slow = 'lines.all(line, line.sku.matches("^[A-Z]+$"))';
    const refusedBy = async (eligibility: RulesDraft['eligibility']) => {
      const outcome = await put(aWorkingSet({ newestRules: 1 }), { eligibility });
      return outcome.ok ? null : outcome.refusal.metadata;
    };
    expect(await refusedBy(many(1, slow))).toBeNull();
    expect(await refusedBy(many(3, slow))).toMatchObject({ field: 'rules.eligibility', limit: '10000' });
    const long = `channel != "${'x'.repeat(3_900)}"`;
    expect(await refusedBy(many(4, long))).toBeNull();
    expect(await refusedBy(many(5, long))).toMatchObject({ field: 'rules.eligibility', limit: '16000' });
  });
});
