import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDeadline, checkHoldWindow, chooseHoldWindow, deadlineOf } from '../../src/domain/hold-window.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { DAY_MS, HOUR_MS, runs } from '../support/arbitraries.ts';

const RULES: Rules = { ...FIRST_RULES, version: 7, channelHoldWindowsMs: { store: 2 * HOUR_MS, broken: 100 * DAY_MS } };

describe('hold window', () => {
  test.each([
    // What was asked comes before the channel's, and the channel's before the default.
    ['store', HOUR_MS, HOUR_MS],
    ['store', null, 2 * HOUR_MS],
    ['web', null, 14 * DAY_MS],
    ['', null, 14 * DAY_MS],
    ['web', 1_000, 1_000],
    ['web', 90 * DAY_MS, 90 * DAY_MS],
    // A channel may bear any name, also one that every object has.
    ['constructor', null, 14 * DAY_MS],
    ['toString', null, 14 * DAY_MS],
    ['__proto__', null, 14 * DAY_MS],
  ])('channel %j asking for %s ms is held %i ms', (channel, asked, held) => {
    expect(chooseHoldWindow(RULES, channel, asked)).toEqual({ holdWindowMs: held });
  });

  test.each([
    ['web', 999, 'min_hold_window_ms', '1000'],
    ['web', 0, 'min_hold_window_ms', '1000'],
    ['web', -1, 'min_hold_window_ms', '1000'],
    ['web', 90 * DAY_MS + 1, 'max_hold_window_ms', `${90 * DAY_MS}`],
    // The channel's own window is held against the bounds too.
    ['broken', null, 'max_hold_window_ms', `${90 * DAY_MS}`],
  ])('channel %j asking for %s ms is refused by %s', (channel, asked, limit, allowed) => {
    expect(chooseHoldWindow(RULES, channel, asked)).toMatchObject({
      refusal: { reason: 'RULE_LIMIT', metadata: { limit, allowed, rule_version: '7' } },
    });
  });

  test('is accepted exactly within both bounds', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(1_000), fc.integer({ min: -10, max: 2_100 }), (min, span, asked) => {
        const rules = { ...RULES, minHoldWindowMs: min, maxHoldWindowMs: min + span };
        expect(checkHoldWindow(rules, asked) === null).toBe(asked >= min && asked <= min + span);
      }),
      runs(),
    );
  });
});

describe('by the calendar', () => {
  const rules: Rules = { ...RULES, calendarDays: true, timeZone: 'Europe/Berlin' };
  // The day before the clocks are set back: the next day has 25 hours.
  const now = Date.UTC(2026, 9, 24, 17);

  test('a deadline is at the same local time, and may be as far away as the longest window reaches', () => {
    expect(deadlineOf(rules, now, 14 * DAY_MS)).toBe(now + 14 * DAY_MS + HOUR_MS);
    expect(deadlineOf(RULES, now, 14 * DAY_MS)).toBe(now + 14 * DAY_MS);
    const last = now + 90 * DAY_MS + HOUR_MS;
    expect(checkDeadline(rules, now, last)).toBeNull();
    expect(checkDeadline(rules, now, last + 1)).toMatchObject({ metadata: { limit: 'max_hold_window_ms' } });
    expect(checkDeadline(RULES, now, last)).toMatchObject({ metadata: { limit: 'max_hold_window_ms' } });
    expect(checkDeadline(rules, now, now + 999)).toMatchObject({ metadata: { limit: 'min_hold_window_ms' } });
  });
});
