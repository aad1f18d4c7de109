import { addCalendarWindow } from './calendar.ts';
import type { Refusal } from './refusal.ts';
import { forChannel, type Rules, ruleLimit } from './rules.ts';

/** How long a reservation is held, in milliseconds, or why the asked window is refused. */
export function chooseHoldWindow(
  rules: Rules,
  channel: string,
  askedMs: number | null,
): { readonly holdWindowMs: number } | { readonly refusal: Refusal } {
  const holdWindowMs = askedMs ?? defaultHoldWindow(rules, channel);
  const refusal = checkHoldWindow(rules, holdWindowMs);
  return refusal === null ? { holdWindowMs } : { refusal };
}

/** How long a channel's reservations are held where nobody asks for another window, in milliseconds. */
export function defaultHoldWindow(rules: Rules, channel: string): number {
  return forChannel(rules.channelHoldWindowsMs, channel) ?? rules.defaultHoldWindowMs;
}

/** Refuses a window shorter than the minimum or longer than the maximum, both inclusive bounds in milliseconds. */
export function checkHoldWindow(rules: Rules, holdWindowMs: number): Refusal | null {
  if (holdWindowMs < rules.minHoldWindowMs) {
    return ruleLimit('min_hold_window_ms', rules.minHoldWindowMs, holdWindowMs, rules.version);
  }
  if (holdWindowMs > rules.maxHoldWindowMs) {
    return ruleLimit('max_hold_window_ms', rules.maxHoldWindowMs, holdWindowMs, rules.version);
  }
  return null;
}

/** When a window that begins now ends: by the clock, or by the calendar where the rules say so. */
export function deadlineOf(rules: Rules, now: number, holdWindowMs: number): number {
  return rules.calendarDays ? addCalendarWindow(now, holdWindowMs, rules.timeZone) : now + holdWindowMs;
}

/** Refuses a deadline that no window the rules allow ends at, if it begins now. */
export function checkDeadline(rules: Rules, now: number, expireAt: number): Refusal | null {
  const left = expireAt - now;
  if (expireAt < deadlineOf(rules, now, rules.minHoldWindowMs)) {
    return ruleLimit('min_hold_window_ms', rules.minHoldWindowMs, left, rules.version);
  }
  if (expireAt > deadlineOf(rules, now, rules.maxHoldWindowMs)) {
    return ruleLimit('max_hold_window_ms', rules.maxHoldWindowMs, left, rules.version);
  }
  return null;
}
