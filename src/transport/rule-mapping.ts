import { create } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import type { LadderStep } from '../domain/ladder.ts';
import { type Refusal, unsupported } from '../domain/refusal.ts';
import { describeDifferences } from '../domain/rule-differences.ts';
import { FIRST_RULES, type Rules, rulesEtag } from '../domain/rules.ts';
import { invalid, type RulesDraft } from '../domain/rules-draft.ts';
import { SHORTAGE_CURES } from '../domain/shortage-cures.ts';
import {
  RulesSchema,
  RuleVersionSchema,
  ShortageCure,
  SourcingStrategy,
  SubstitutionStep,
  type Rules as WireRules,
  type RuleVersion as WireRuleVersion,
} from '../gen/earmark/v1/rules_pb.ts';
import type { RuleVersion } from '../ports/rules-reader.ts';
import { toMilestoneRules, toPickOn, toWireMilestoneRule, toWirePickOn } from './milestone-mapping.ts';
import { isRefusal } from './reserve-mapping.ts';
import { fromTimestamp, NANOS_PER_MS, toMs, toTimestamp } from './wire-time.ts';

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
    waitlistWindow: durationFromMs(rules.waitlistWindowMs),
    expiryWarning: durationFromMs(rules.expiryWarningMs),
    channelHoldWindows: mapValues(rules.channelHoldWindowsMs, durationFromMs),
    timeZone: rules.timeZone,
    calendarDays: rules.calendarDays,
    milestones: rules.milestones.map(toWireMilestoneRule),
    pickOn: toWirePickOn(rules.pickOn),
    sourcing: SourcingStrategy[rules.sourcing],
    splitAllowed: rules.splitAllowed,
    shortageCures: rules.shortageCures.map((cure) => ShortageCure[cure]),
    ladder: rules.ladder.map((step) => SubstitutionStep[step]),
    safetyStocks: rules.safetyStocks.map((rule) => ({ ...rule })),
    exchangePools: rules.exchangePools.map((rule) => ({ ...rule })),
    channelWarehouses: Object.entries(rules.channelWarehouses).map(([channel, warehouses]) => ({
      channel,
      warehouses: [...warehouses],
    })),
    maxLines: rules.maxLines,
    maxUnits: rules.maxUnits,
    maxLivePerCustomer: rules.maxLivePerCustomer,
    lowThreshold: rules.lowThreshold,
    ...(rules.manualBaselineMs === 0 ? {} : { manualBaseline: durationFromMs(rules.manualBaselineMs) }),
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
  const milestones = toMilestoneRules(wire.milestones);
  if (isRefusal(milestones)) return milestones;
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
    waitlistWindowMs: toMs(wire.waitlistWindow) ?? FIRST_RULES.waitlistWindowMs,
    expiryWarningMs: toMs(wire.expiryWarning) ?? FIRST_RULES.expiryWarningMs,
    channelHoldWindowsMs: mapValues(wire.channelHoldWindows, (window) => toMs(window) ?? 0),
    timeZone: wire.timeZone === '' ? FIRST_RULES.timeZone : wire.timeZone,
    calendarDays: wire.calendarDays,
    milestones,
    pickOn: toPickOn(wire.pickOn),
    sourcing: toSourcing(wire.sourcing),
    splitAllowed: wire.splitAllowed,
    shortageCures: toCures(wire.shortageCures),
    ladder: toLadder(wire.ladder),
    safetyStocks: wire.safetyStocks.map(({ sku, warehouse, units, percent }) => ({ sku, warehouse, units, percent })),
    exchangePools: wire.exchangePools.map(({ sku, minimum, maximum }) => ({ sku, minimum, maximum })),
    channelWarehouses: Object.fromEntries(wire.channelWarehouses.map((one) => [one.channel, one.warehouses])),
    maxLines: wire.maxLines === 0 ? FIRST_RULES.maxLines : wire.maxLines,
    maxUnits: wire.maxUnits === 0 ? FIRST_RULES.maxUnits : wire.maxUnits,
    maxLivePerCustomer: wire.maxLivePerCustomer,
    lowThreshold: wire.lowThreshold,
    manualBaselineMs: toMs(wire.manualBaseline) ?? FIRST_RULES.manualBaselineMs,
  };
}

function toSourcing(wire: SourcingStrategy): Rules['sourcing'] {
  switch (wire) {
    case SourcingStrategy.NEAREST:
      return 'NEAREST';
    case SourcingStrategy.MOST_AVAILABLE:
      return 'MOST_AVAILABLE';
    case SourcingStrategy.FEWEST_SPLITS:
      return 'FEWEST_SPLITS';
    default:
      return 'PRIORITY';
  }
}

function toCures(wire: readonly ShortageCure[]): Rules['shortageCures'] {
  if (wire.length === 0) return FIRST_RULES.shortageCures;
  return wire.flatMap((cure) => SHORTAGE_CURES.filter((name) => ShortageCure[name] === cure));
}

const LADDER_STEPS: readonly LadderStep[] = ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST', 'SUGGEST_REFUND'];

/** Validation has refused unknown steps. */
function toLadder(wire: readonly SubstitutionStep[]): Rules['ladder'] {
  if (wire.length === 0) return FIRST_RULES.ladder;
  return wire.flatMap((step) => LADDER_STEPS.find((name) => SubstitutionStep[name] === step) ?? []);
}

/** A rule that would be stored and not followed is refused; saying what holds anyway is not. */
function findUnsupported(wire: WireRules): Refusal | null {
  if (wire.shortageCures.includes(ShortageCure.SUBSTITUTE)) return unsupported('rules.shortage_cures SUBSTITUTE');
  if (wire.ladder.includes(SubstitutionStep.OTHER_LOT)) return unsupported('rules.ladder OTHER_LOT');
  return null;
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
    ['waitlist_window', wire.waitlistWindow],
    ['manual_baseline', wire.manualBaseline],
    ['expiry_warning', wire.expiryWarning],
    ...Object.entries(wire.channelHoldWindows).map(([channel, window]): [string, Duration] => [
      `channel_hold_windows[${JSON.stringify(channel)}]`,
      window,
    ]),
    ...wire.milestones.map(({ deadline }, at): [string, Duration | undefined] => [
      `milestones[${at}].deadline`,
      deadline,
    ]),
  ];
  const fine = windows.find(([, window]) => (window?.nanos ?? 0) % NANOS_PER_MS !== 0);
  return fine === undefined ? null : invalid(fine[0], 'is no whole number of milliseconds');
}

/** Keys may be any text, also `__proto__`, which an assignment would lose. */
function mapValues<From, To>(from: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value)]));
}
