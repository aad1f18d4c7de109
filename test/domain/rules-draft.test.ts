import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { completeMilestoneRules } from '../../src/domain/milestone-rules.ts';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { checkDraft, type RulesDraft } from '../../src/domain/rules-draft.ts';
import { DAY_MS, HOUR_MS, runs } from '../support/arbitraries.ts';

const DRAFT: RulesDraft = { ...FIRST_RULES, effectiveAt: null };
const RULE = { name: 'same', expression: 'true', customerMessage: '', staffMessage: '' };
const KEPT = { sku: 'A', warehouse: '', units: 1, percent: 0 };
const POOL = { sku: '', minimum: 0, maximum: 0 };

describe('a draft', () => {
  test.each<[string, Partial<RulesDraft>]>([
    ['rules.eligibility[1].name', { eligibility: [RULE, RULE] }],
    ['rules.max_hold_window', { minHoldWindowMs: 2 * DAY_MS, maxHoldWindowMs: DAY_MS }],
    ['rules.default_hold_window', { defaultHoldWindowMs: 91 * DAY_MS }],
    ['rules.default_hold_window', { defaultHoldWindowMs: 0, minHoldWindowMs: 0 }],
    ['rules.default_hold_window', { defaultHoldWindowMs: HOUR_MS, minHoldWindowMs: DAY_MS }],
    ['rules.channel_hold_windows["store"]', { channelHoldWindowsMs: { web: DAY_MS, store: 100 * DAY_MS } }],
    ['rules.channel_hold_windows["store"]', { channelHoldWindowsMs: { store: 0 } }],
    ['rules.safety_stocks[2]', { safetyStocks: [KEPT, { ...KEPT, warehouse: 'W1' }, { ...KEPT, units: 2 }] }],
    ['rules.exchange_pools[1].sku', { exchangePools: [POOL, POOL] }],
    ['rules.exchange_pools[0].maximum', { exchangePools: [{ ...POOL, minimum: 5, maximum: 4 }] }],
    ['rules.time_zone', { timeZone: 'Europe/Atlantis' }],
    ['rules.waitlist_window', { waitlistWindowMs: 0 }],
    ['rules.time_zone', { timeZone: '' }],
    ['rules.pick_on', { pickOn: 'COMPLETED' }],
    ['rules.pick_on', { pickOn: 'CANCELLED' }],
    [
      'rules.pick_on',
      { pickOn: 'APPROVED', milestones: completeMilestoneRules([{ milestone: 'APPROVED', action: 'FULFIL' }]) },
    ],
    ['rules.ladder[2]', { ladder: ['WAITLIST', 'EQUIVALENT_SKU', 'WAITLIST'] }],
    ['rules.ladder[1]', { ladder: ['EQUIVALENT_SKU', 'OTHER_WAREHOUSE'] }],
    ['rules.ladder[0]', { ladder: ['SUGGEST_REFUND', 'WAITLIST'] }],
    ['rules.ladder', { ladder: ['WAITLIST'], sourcing: 'FEWEST_SPLITS' }],
  ])('is refused by %s', (field, change) => {
    const refusal = checkDraft({ ...DRAFT, ...change });
    expect(refusal).toMatchObject({ reason: 'INVALID_FIELD', metadata: { field } });
  });

  test.each<Partial<RulesDraft>>([
    {},
    { eligibility: [] },
    { timeZone: 'America/St_Johns' },
    { minHoldWindowMs: 0 },
    { waitlistWindowMs: 3_650 * DAY_MS },
    { ladder: ['WAITLIST', 'EQUIVALENT_SKU', 'SUGGEST_REFUND'] },
    { ladder: ['OTHER_WAREHOUSE'], sourcing: 'FEWEST_SPLITS' },
    { safetyStocks: [KEPT, { ...KEPT, sku: '' }, { ...KEPT, sku: '', warehouse: 'A' }] },
    {
      exchangePools: [
        { ...POOL, minimum: 5 },
        { sku: 'A', minimum: 5, maximum: 5 },
      ],
    },
    { minHoldWindowMs: DAY_MS, maxHoldWindowMs: DAY_MS, defaultHoldWindowMs: DAY_MS },
    { channelHoldWindowsMs: { store: 1_000, ['__proto__']: DAY_MS } },
    { pickOn: 'RETURN_RECEIVED' },
    { pickOn: 'COMPLETED', milestones: completeMilestoneRules([{ milestone: 'COMPLETED', action: 'NONE' }]) },
  ])('that contradicts nothing is taken: %j', (change) => {
    expect(checkDraft({ ...DRAFT, ...change })).toBeNull();
  });

  test('has its windows between the bounds', () => {
    const window = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(window, window, window, (minHoldWindowMs, maxHoldWindowMs, defaultHoldWindowMs) => {
        const refusal = checkDraft({ ...DRAFT, minHoldWindowMs, maxHoldWindowMs, defaultHoldWindowMs });
        const fits = defaultHoldWindowMs >= minHoldWindowMs && defaultHoldWindowMs <= maxHoldWindowMs;
        expect(refusal === null).toBe(fits && defaultHoldWindowMs > 0);
      }),
      runs(),
    );
  });
});
