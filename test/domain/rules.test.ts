import { describe, expect, test } from 'vitest';
import { checkSizeLimits, FIRST_RULES, forChannel, type Rules } from '../../src/domain/rules.ts';
import { DAY_MS } from '../support/arbitraries.ts';

const RULES: Rules = { ...FIRST_RULES, version: 7 };

test('a fresh installation starts with the published first version', () => {
  expect(FIRST_RULES).toMatchObject({
    version: 1,
    eligibility: [{ name: 'return-window' }, { name: 'reason' }],
    timeZone: 'UTC',
    calendarDays: false,
    maxLivePerCustomer: 0,
    defaultHoldWindowMs: 14 * DAY_MS,
    minHoldWindowMs: 1_000,
    maxHoldWindowMs: 90 * DAY_MS,
    splitAllowed: true,
    maxLines: 100,
    maxUnits: 1_000,
    lowThreshold: 0,
  });
});

describe('size limits', () => {
  test.each([
    [100, 1_000, null],
    [101, 1, 'max_lines'],
    [1, 1_001, 'max_units'],
    // Lines come first.
    [101, 1_001, 'max_lines'],
  ])('%i lines with %i units: %s', (lines, units, limit) => {
    const refusal = checkSizeLimits(RULES, lines, units);
    expect(refusal?.metadata.limit ?? null).toBe(limit);
    if (refusal !== null) expect(refusal).toMatchObject({ reason: 'RULE_LIMIT', metadata: { rule_version: '7' } });
  });
});

test.each([
  ['store', 1],
  ['web', undefined],
  ['constructor', undefined],
  ['__proto__', undefined],
])('what is set for channel %j is %s', (channel, value) => {
  expect(forChannel({ store: 1 }, channel)).toBe(value);
});
