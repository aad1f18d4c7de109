import { create } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import { type Refusal, unsupported } from '../domain/refusal.ts';
import { describeDifferences } from '../domain/rule-differences.ts';
import { FIRST_RULES, type Rules, rulesEtag } from '../domain/rules.ts';
import { invalid, type RulesDraft } from '../domain/rules-draft.ts';
import { Milestone, ReleaseReason } from '../gen/earmark/v1/reservation_pb.ts';
import {
  MilestoneAction,
  type MilestoneRule,
  RulesSchema,
  RuleVersionSchema,
  SourcingStrategy,
  type Rules as WireRules,
  type RuleVersion as WireRuleVersion,
} from '../gen/earmark/v1/rules_pb.ts';
import type { RuleVersion } from '../ports/rules-reader.ts';
import { fromTimestamp, toTimestamp } from './wire-time.ts';

const DAY_MS = 86_400_000;
const NANOS_PER_MS = 1_000_000;

/** What holds for everybody as long as rules cannot say otherwise. */
const WAITLIST_WINDOW_MS = 30 * DAY_MS;
const EXPIRY_WARNING_MS = DAY_MS;
const TERMINAL_MILESTONES = [
  { milestone: Milestone.COMPLETED, action: MilestoneAction.FULFIL },
  { milestone: Milestone.CANCELLED, action: MilestoneAction.RELEASE, releaseReason: ReleaseReason.CANCELLED },
  { milestone: Milestone.CONVERTED_TO_REFUND, action: MilestoneAction.RELEASE, releaseReason: ReleaseReason.REFUNDED },
];

export function toWireRules(rules: Rules): WireRules {
  return create(RulesSchema, {
    version: BigInt(rules.version),
    etag: rulesEtag(rules.version),
    effectiveTime: toTimestamp(rules.effectiveAt),
    reason: rules.reason,
    eligibility: rules.eligibility.map((rule) => ({ ...rule })),
    defaultHoldWindow: durationFromMs(rules.defaultHoldWindowMs),
    minHoldWindow: durationFromMs(rules.minHoldWindowMs),
    maxHoldWindow: durationFromMs(rules.maxHoldWindowMs),
    waitlistWindow: durationFromMs(WAITLIST_WINDOW_MS),
    expiryWarning: durationFromMs(EXPIRY_WARNING_MS),
    channelHoldWindows: mapValues(rules.channelHoldWindowsMs, durationFromMs),
    timeZone: rules.timeZone,
    calendarDays: rules.calendarDays,
    milestones: TERMINAL_MILESTONES,
    sourcing: SourcingStrategy.PRIORITY,
    splitAllowed: rules.splitAllowed,
    channelWarehouses: Object.entries(rules.channelWarehouses).map(([channel, warehouses]) => ({
      channel,
      warehouses: [...warehouses],
    })),
    maxLines: rules.maxLines,
    maxUnits: rules.maxUnits,
    maxLivePerCustomer: rules.maxLivePerCustomer,
    lowThreshold: rules.lowThreshold,
  });
}

export function toWireRuleVersion({ rules, author, createdAt, previous }: RuleVersion): WireRuleVersion {
  return create(RuleVersionSchema, {
    rules: toWireRules(rules),
    author,
    createTime: toTimestamp(createdAt),
    differences: previous === null ? [] : describeDifferences(previous, rules),
  });
}

/** What a document asks for, or why it cannot be asked in this version. What it leaves unset is as in the first rules. */
export function toDraft(wire: WireRules): RulesDraft | Refusal {
  const refusal = findUnsupported(wire) ?? findUnclear(wire);
  if (refusal !== null) return refusal;
  const effectiveAt = fromTimestamp(wire.effectiveTime);
  return {
    effectiveAt: effectiveAt === null ? null : Math.ceil(effectiveAt),
    reason: wire.reason,
    eligibility: wire.eligibility.map(({ name, expression, customerMessage, staffMessage }) => ({
      name,
      expression,
      customerMessage,
      staffMessage,
    })),
    defaultHoldWindowMs: toMs(wire.defaultHoldWindow) ?? FIRST_RULES.defaultHoldWindowMs,
    minHoldWindowMs: toMs(wire.minHoldWindow) ?? FIRST_RULES.minHoldWindowMs,
    maxHoldWindowMs: toMs(wire.maxHoldWindow) ?? FIRST_RULES.maxHoldWindowMs,
    channelHoldWindowsMs: mapValues(wire.channelHoldWindows, (window) => toMs(window) ?? 0),
    timeZone: wire.timeZone === '' ? FIRST_RULES.timeZone : wire.timeZone,
    calendarDays: wire.calendarDays,
    splitAllowed: wire.splitAllowed,
    channelWarehouses: Object.fromEntries(wire.channelWarehouses.map((one) => [one.channel, one.warehouses])),
    maxLines: wire.maxLines === 0 ? FIRST_RULES.maxLines : wire.maxLines,
    maxUnits: wire.maxUnits === 0 ? FIRST_RULES.maxUnits : wire.maxUnits,
    maxLivePerCustomer: wire.maxLivePerCustomer,
    lowThreshold: wire.lowThreshold,
  };
}

/** A rule that would be stored and not followed is refused; saying what holds anyway is not. */
function findUnsupported(wire: WireRules): Refusal | null {
  const differs = (window: Duration | undefined, ms: number) => window !== undefined && toMs(window) !== ms;
  if (differs(wire.waitlistWindow, WAITLIST_WINDOW_MS)) return unsupported('rules.waitlist_window');
  if (differs(wire.expiryWarning, EXPIRY_WARNING_MS)) return unsupported('rules.expiry_warning');
  if (wire.milestones.length > 0 && !areTerminal(wire.milestones)) return unsupported('rules.milestones');
  if (wire.pickOn !== Milestone.UNSPECIFIED) return unsupported('rules.pick_on');
  if (wire.sourcing > SourcingStrategy.PRIORITY) return unsupported('rules.sourcing');
  if (wire.safetyStocks.length > 0) return unsupported('rules.safety_stocks');
  if (wire.exchangePools.length > 0) return unsupported('rules.exchange_pools');
  if (differs(wire.manualBaseline, 0)) return unsupported('rules.manual_baseline');
  return null;
}

function areTerminal(milestones: readonly MilestoneRule[]): boolean {
  const text = ({ milestone, action, releaseReason }: Partial<MilestoneRule>) =>
    `${milestone}/${action}/${releaseReason ?? ReleaseReason.UNSPECIFIED}`;
  const told = milestones.map((rule) => (rule.deadline === undefined ? text(rule) : 'deadline')).sort();
  return told.join() === TERMINAL_MILESTONES.map(text).sort().join();
}

/** A channel named twice, and windows finer than deadlines are kept. */
function findUnclear(wire: WireRules): Refusal | null {
  const channels = wire.channelWarehouses.map(({ channel }) => channel);
  const twice = channels.findIndex((channel, at) => channels.indexOf(channel) < at);
  if (twice >= 0) return invalid(`channel_warehouses[${twice}].channel`, 'is named before');
  const windows: [string, Duration | undefined][] = [
    ['default_hold_window', wire.defaultHoldWindow],
    ['min_hold_window', wire.minHoldWindow],
    ['max_hold_window', wire.maxHoldWindow],
    ...Object.entries(wire.channelHoldWindows).map(([channel, window]): [string, Duration] => [
      `channel_hold_windows[${JSON.stringify(channel)}]`,
      window,
    ]),
  ];
  const fine = windows.find(([, window]) => (window?.nanos ?? 0) % NANOS_PER_MS !== 0);
  return fine === undefined ? null : invalid(fine[0], 'is no whole number of milliseconds');
}

/** In milliseconds; null where unset. */
function toMs(window: Duration | undefined): number | null {
  return window === undefined ? null : Number(window.seconds) * 1_000 + window.nanos / NANOS_PER_MS;
}

/** Keys may be any text, also `__proto__`, which an assignment would lose. */
function mapValues<From, To>(from: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value)]));
}
