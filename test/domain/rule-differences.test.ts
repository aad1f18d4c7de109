import { expect, test } from 'vitest';
import { describeDifferences } from '../../src/domain/rule-differences.ts';
import { FIRST_RULES, RETURN_REASON, RETURN_WINDOW, type Rules } from '../../src/domain/rules.ts';
import { DAY_MS, HOUR_MS } from '../support/arbitraries.ts';

const TIER = { name: 'tier', expression: 'facts.customer_tier != "NEW"', customerMessage: '', staffMessage: '' };

test.each<[Partial<Rules>, string[]]>([
  [{}, []],
  // Who made it, when and why stands beside the differences.
  [{ version: 2, effectiveAt: 5, reason: 'other' }, []],
  [{ defaultHoldWindowMs: 36 * HOUR_MS }, ['default_hold_window was 14 d, is now 36 h']],
  [{ minHoldWindowMs: 0 }, ['min_hold_window was 1 s, is now 0 ms']],
  [
    { calendarDays: true, timeZone: 'Europe/Berlin' },
    ['time_zone was UTC, is now Europe/Berlin', 'calendar_days was no, is now yes'],
  ],
  [{ waitlistWindowMs: DAY_MS }, ['waitlist_window was 30 d, is now 1 d']],
  [{ maxLivePerCustomer: 3 }, ['max_live_per_customer was none, is now 3']],
  [
    {
      milestones: [
        { milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: 5 * DAY_MS },
        { milestone: 'COMPLETED', action: 'RELEASE', releaseReason: 'MANUAL' },
        { milestone: 'CANCELLED', action: 'RELEASE', releaseReason: 'CANCELLED' },
        { milestone: 'CONVERTED_TO_REFUND', action: 'NONE' },
      ],
    },
    [
      'what follows from LABEL_CREATED was nothing, is now a deadline 5 d later',
      'what follows from COMPLETED was a fulfilment, is now a release as MANUAL',
      'what follows from CONVERTED_TO_REFUND was a release as REFUNDED, is now nothing',
    ],
  ],
  [{ pickOn: 'RETURN_RECEIVED' }, ['pick_on was at once, is now RETURN_RECEIVED']],
  [{ manualBaselineMs: 3 * DAY_MS }, ['manual_baseline was unknown, is now 3 d']],
  [{ channelHoldWindowsMs: { store: DAY_MS } }, ['channel_hold_windows of store was unset, is now 1 d']],
  [
    { channelWarehouses: { store: [], web: ['W1', 'W2'] } },
    [
      'channel_warehouses of store was unset, is now no warehouse',
      'channel_warehouses of web was unset, is now W1, W2',
    ],
  ],
  [{ eligibility: [RETURN_WINDOW, TIER] }, ['rule reason was taken away', `rule tier was added: ${TIER.expression}`]],
  [{ eligibility: [RETURN_REASON, RETURN_WINDOW] }, ['the eligibility rules are asked in another order']],
  [
    { eligibility: [RETURN_WINDOW, { ...RETURN_REASON, expression: 'true', customerMessage: '' }] },
    [
      `the expression of rule reason was ${RETURN_REASON.expression}, is now true`,
      `the customer message of rule reason was ${RETURN_REASON.customerMessage}, is now empty`,
    ],
  ],
  [
    {
      safetyStocks: [
        { sku: 'A', warehouse: '', units: 2, percent: 0 },
        { sku: '', warehouse: 'W1', units: 0, percent: 10 },
      ],
    },
    [
      'safety_stocks of A in every warehouse was unset, is now 2',
      'safety_stocks of every item in W1 was unset, is now 0 or 10 %',
    ],
  ],
  [
    {
      exchangePools: [
        { sku: '', minimum: 2, maximum: 0 },
        { sku: 'A', minimum: 0, maximum: 9 },
      ],
    },
    [
      'exchange_pools of A was unset, is now at least 0, at most 9',
      'exchange_pools of every item was unset, is now at least 2, without limit',
    ],
  ],
  [
    { ladder: ['OTHER_WAREHOUSE', 'SUGGEST_REFUND'] },
    ['ladder was OTHER_WAREHOUSE, EQUIVALENT_SKU, WAITLIST, is now OTHER_WAREHOUSE, SUGGEST_REFUND'],
  ],
])('%j reads as %j', (change, differences) => {
  expect(describeDifferences(FIRST_RULES, { ...FIRST_RULES, ...change })).toEqual(differences);
});

test('every rule that can be changed is told', () => {
  const changes: Partial<Rules>[] = [
    { eligibility: [] },
    { defaultHoldWindowMs: 1 },
    { minHoldWindowMs: 1 },
    { maxHoldWindowMs: 1 },
    { waitlistWindowMs: 1 },
    { expiryWarningMs: 0 },
    { channelHoldWindowsMs: { a: 1 } },
    { timeZone: 'Asia/Tokyo' },
    { calendarDays: true },
    { milestones: [] },
    { pickOn: 'APPROVED' },
    { sourcing: 'NEAREST' },
    { splitAllowed: false },
    { shortageCures: ['WAIT'] },
    { ladder: ['WAITLIST'] },
    { safetyStocks: [{ sku: 'A', warehouse: '', units: 1, percent: 0 }] },
    { exchangePools: [{ sku: '', minimum: 1, maximum: 0 }] },
    { channelWarehouses: { a: ['W1'] } },
    { maxLines: 1 },
    { maxUnits: 1 },
    { maxLivePerCustomer: 1 },
    { lowThreshold: 1 },
    { manualBaselineMs: 1 },
  ];
  const told = new Set(['version', 'effectiveAt', 'reason', ...changes.flatMap((change) => Object.keys(change))]);
  expect([...told].sort()).toEqual(Object.keys(FIRST_RULES).sort());
  for (const change of changes) {
    expect(describeDifferences(FIRST_RULES, { ...FIRST_RULES, ...change })).not.toEqual([]);
  }
});
