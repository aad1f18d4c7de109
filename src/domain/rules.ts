import { type Refusal, refuse } from './refusal.ts';

const DAY_MS = 86_400_000;

/** One version of the global rules. A reservation keeps the version it was decided by. */
export interface Rules {
  readonly version: number;
  readonly effectiveAt: number;
  readonly eligibility: EligibilityPolicy;
  readonly defaultHoldWindowMs: number;
  readonly minHoldWindowMs: number;
  readonly maxHoldWindowMs: number;
  readonly channelHoldWindowsMs: Readonly<Record<string, number>>;
  readonly splitAllowed: boolean;
  readonly channelWarehouses: Readonly<Record<string, readonly string[]>>;
  readonly maxLines: number;
  readonly maxUnits: number;
  /** Available units at or below which a pool is flagged LOW; 0 turns the flag off. */
  readonly lowThreshold: number;
}

export interface EligibilityPolicy {
  /** Days after delivery within which an exchange may be asked for. */
  readonly returnWindowDays: number;
  /** Return reasons that are never exchanged. */
  readonly refusedReasons: readonly string[];
}

/** Version 1, which a fresh database starts with. */
export const FIRST_RULES: Rules = {
  version: 1,
  effectiveAt: 0,
  eligibility: { returnWindowDays: 90, refusedReasons: ['ABUSE'] },
  defaultHoldWindowMs: 14 * DAY_MS,
  minHoldWindowMs: 1_000,
  maxHoldWindowMs: 90 * DAY_MS,
  channelHoldWindowsMs: {},
  splitAllowed: true,
  channelWarehouses: {},
  maxLines: 100,
  maxUnits: 1_000,
  lowThreshold: 0,
};

/** What the rules say for one channel; a channel may bear any name, also one that every object has. */
export function forChannel<T>(byChannel: Readonly<Record<string, T>>, channel: string): T | undefined {
  return Object.hasOwn(byChannel, channel) ? byChannel[channel] : undefined;
}

/** Refuses a request larger than the rules allow: lines first, then units. */
export function checkSizeLimits(rules: Rules, lineCount: number, units: number): Refusal | null {
  if (lineCount > rules.maxLines) return ruleLimit('max_lines', rules.maxLines, lineCount, rules.version);
  if (units > rules.maxUnits) return ruleLimit('max_units', rules.maxUnits, units, rules.version);
  return null;
}

export function ruleLimit(limit: string, allowed: number, asked: number, ruleVersion: number): Refusal {
  return refuse('RULE_LIMIT', `${limit} allows ${allowed}, asked for ${asked}`, {
    limit,
    allowed,
    asked,
    rule_version: ruleVersion,
  });
}
