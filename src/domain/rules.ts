import { DEFAULT_LADDER, type LadderStep } from './ladder.ts';
import { DEFAULT_MILESTONE_RULES, type Milestone, type MilestoneRule } from './milestone-rules.ts';
import type { ExchangePool, SafetyStock } from './pool-rules.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ShortageCure } from './shortage-cures.ts';
import type { SourcingStrategy } from './sourcing.ts';

const DAY_MS = 86_400_000;

/** One version of the global rules. A reservation keeps the version it was decided by. */
export interface Rules {
  readonly version: number;
  /** From when they hold, in milliseconds since the Unix epoch by the database's clock. */
  readonly effectiveAt: number;
  /** Why the version was made. */
  readonly reason: string;
  /** Every rule must allow an exchange; they are asked in this order. */
  readonly eligibility: readonly EligibilityRule[];
  readonly defaultHoldWindowMs: number;
  readonly minHoldWindowMs: number;
  readonly maxHoldWindowMs: number;
  /** How long a reservation waits for stock before the clock ends it. */
  readonly waitlistWindowMs: number;
  /** How long before the deadline a warning is sent, in milliseconds; 0 means none. */
  readonly expiryWarningMs: number;
  readonly channelHoldWindowsMs: Readonly<Record<string, number>>;
  /** IANA name of the zone in which calendar days are counted. */
  readonly timeZone: string;
  /** Counts the whole days of a hold window as calendar days of the time zone. */
  readonly calendarDays: boolean;
  /** What follows from milestones; from one without a rule nothing does. */
  readonly milestones: readonly MilestoneRule[];
  /** The milestone with which warehouses are asked to pick; null asks them at once. */
  readonly pickOn: Milestone | null;
  readonly sourcing: SourcingStrategy;
  /** Whether the units of one line may come from several warehouses. */
  readonly splitAllowed: boolean;
  /** What is tried for promised units that are not there, in this order; each at most once. */
  readonly shortageCures: readonly ShortageCure[];
  /** What is tried, in this order, for what cannot be had whole. */
  readonly ladder: readonly LadderStep[];
  /** At most one for each item and warehouse; the most exact one holds. */
  readonly safetyStocks: readonly SafetyStock[];
  /** At most one for each item; the one for the item holds before the one for all. */
  readonly exchangePools: readonly ExchangePool[];
  readonly channelWarehouses: Readonly<Record<string, readonly string[]>>;
  readonly maxLines: number;
  readonly maxUnits: number;
  /** Live reservations one customer may have; 0 means no limit. */
  readonly maxLivePerCustomer: number;
  /** Available units at or below which a pool is flagged LOW; 0 turns the flag off. */
  readonly lowThreshold: number;
  /** How long dispatch took by hand, in milliseconds: what KPIs compare with; 0 means unknown. */
  readonly manualBaselineMs: number;
}

/** One condition that an exchange must meet. */
export interface EligibilityRule {
  readonly name: string;
  readonly expression: string;
  readonly customerMessage: string;
  readonly staffMessage: string;
}

/** Delivered at most 90 days ago, or nobody knows when. */
export const RETURN_WINDOW: EligibilityRule = {
  name: 'return-window',
  expression: '!has(facts.delivered_time) || now - facts.delivered_time <= duration("2160h")',
  customerMessage: 'The item was delivered more than 90 days ago.',
  staffMessage: 'delivered more than 90 days ago',
};

/** Every return reason but abuse, however it is written. */
export const RETURN_REASON: EligibilityRule = {
  name: 'reason',
  expression: '!(facts.reason.upperCase() in ["ABUSE"])',
  customerMessage: 'This return cannot be exchanged.',
  staffMessage: 'this return reason is never exchanged',
};

/** Version 1, which a fresh database starts with. */
export const FIRST_RULES: Rules = {
  version: 1,
  effectiveAt: 0,
  reason: 'first rules',
  eligibility: [RETURN_WINDOW, RETURN_REASON],
  defaultHoldWindowMs: 14 * DAY_MS,
  minHoldWindowMs: 1_000,
  maxHoldWindowMs: 90 * DAY_MS,
  waitlistWindowMs: 30 * DAY_MS,
  expiryWarningMs: DAY_MS,
  channelHoldWindowsMs: {},
  timeZone: 'UTC',
  calendarDays: false,
  milestones: DEFAULT_MILESTONE_RULES,
  pickOn: null,
  sourcing: 'PRIORITY',
  splitAllowed: true,
  shortageCures: ['RESOURCE', 'WAIT', 'SUGGEST_REFUND'],
  ladder: DEFAULT_LADDER,
  safetyStocks: [],
  exchangePools: [],
  channelWarehouses: {},
  maxLines: 100,
  maxUnits: 1_000,
  maxLivePerCustomer: 0,
  lowThreshold: 0,
  manualBaselineMs: 0,
};

/** Names a version, for those who make the next one from it. */
export function rulesEtag(version: number): string {
  return `v${version}`;
}

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

export function ruleLimit(
  limit: string,
  allowed: number,
  asked: number,
  ruleVersion: number,
  more: Record<string, string> = {},
): Refusal {
  return refuse('RULE_LIMIT', `${limit} allows ${allowed}, asked for ${asked}`, {
    limit,
    allowed,
    asked,
    rule_version: ruleVersion,
    ...more,
  });
}
