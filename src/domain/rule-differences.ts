import { MILESTONES, type MilestoneRule } from './milestone-rules.ts';
import type { EligibilityRule, Rules } from './rules.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** The plain fields, by the name callers know them by. */
const FIELDS: readonly (readonly [field: string, text: (rules: Rules) => string])[] = [
  ['default_hold_window', (rules) => duration(rules.defaultHoldWindowMs)],
  ['min_hold_window', (rules) => duration(rules.minHoldWindowMs)],
  ['max_hold_window', (rules) => duration(rules.maxHoldWindowMs)],
  ['waitlist_window', (rules) => duration(rules.waitlistWindowMs)],
  ['expiry_warning', (rules) => (rules.expiryWarningMs === 0 ? 'none' : duration(rules.expiryWarningMs))],
  ['time_zone', (rules) => rules.timeZone],
  ['calendar_days', (rules) => yesNo(rules.calendarDays)],
  ['pick_on', (rules) => rules.pickOn ?? 'at once'],
  ['sourcing', (rules) => rules.sourcing],
  ['split_allowed', (rules) => yesNo(rules.splitAllowed)],
  ['shortage_cures', (rules) => rules.shortageCures.join(', ')],
  ['ladder', (rules) => rules.ladder.join(', ')],
  ['max_lines', (rules) => String(rules.maxLines)],
  ['max_units', (rules) => String(rules.maxUnits)],
  ['max_live_per_customer', (rules) => (rules.maxLivePerCustomer === 0 ? 'none' : String(rules.maxLivePerCustomer))],
  ['low_threshold', (rules) => String(rules.lowThreshold)],
  ['manual_baseline', (rules) => (rules.manualBaselineMs === 0 ? 'unknown' : duration(rules.manualBaselineMs))],
];

/** What differs between two versions, one readable sentence each; nothing where they say the same. */
export function describeDifferences(before: Rules, after: Rules): string[] {
  return [
    ...eligibilityDifferences(before.eligibility, after.eligibility),
    ...FIELDS.flatMap(([field, text]) => changed(field, text(before), text(after))),
    ...milestoneDifferences(before.milestones, after.milestones),
    ...byKey('safety_stocks', safetyStocksOf(before), safetyStocksOf(after)),
    ...byKey('exchange_pools', exchangePoolsOf(before), exchangePoolsOf(after)),
    ...byChannel('channel_hold_windows', before.channelHoldWindowsMs, after.channelHoldWindowsMs, duration),
    ...byChannel('channel_warehouses', before.channelWarehouses, after.channelWarehouses, (codes) =>
      codes.length === 0 ? 'no warehouse' : codes.join(', '),
    ),
  ];
}

function eligibilityDifferences(before: readonly EligibilityRule[], after: readonly EligibilityRule[]): string[] {
  const [old, now] = [byName(before), byName(after)];
  const kept = (rules: readonly EligibilityRule[]) => rules.map(({ name }) => name).filter((name) => hasBoth(name));
  const hasBoth = (name: string) => old.has(name) && now.has(name);
  const isMoved = kept(before).join('\u0000') !== kept(after).join('\u0000');
  return [
    ...before.filter(({ name }) => !now.has(name)).map(({ name }) => `rule ${name} was taken away`),
    ...after.flatMap((rule) => {
      const known = old.get(rule.name);
      return known === undefined ? [`rule ${rule.name} was added: ${rule.expression}`] : ruleDifferences(known, rule);
    }),
    ...(isMoved ? ['the eligibility rules are asked in another order'] : []),
  ];
}

function ruleDifferences(before: EligibilityRule, after: EligibilityRule): string[] {
  return [
    ...changed(`the expression of rule ${after.name}`, before.expression, after.expression),
    ...changed(`the customer message of rule ${after.name}`, before.customerMessage, after.customerMessage),
    ...changed(`the staff message of rule ${after.name}`, before.staffMessage, after.staffMessage),
  ];
}

function milestoneDifferences(before: readonly MilestoneRule[], after: readonly MilestoneRule[]): string[] {
  const text = (rules: readonly MilestoneRule[], milestone: string) =>
    followed(rules.find((rule) => rule.milestone === milestone));
  return MILESTONES.flatMap((milestone) =>
    changed(`what follows from ${milestone}`, text(before, milestone), text(after, milestone)),
  );
}

function followed(rule: MilestoneRule | undefined): string {
  switch (rule?.action) {
    case 'SET_DEADLINE':
      return `a deadline ${duration(rule.deadlineMs)} later`;
    case 'FULFIL':
      return 'a fulfilment';
    case 'RELEASE':
      return `a release as ${rule.releaseReason}`;
    default:
      return 'nothing';
  }
}

function byName(rules: readonly EligibilityRule[]): Map<string, EligibilityRule> {
  return new Map(rules.map((rule) => [rule.name, rule]));
}

function byChannel<T>(
  field: string,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  text: (value: T) => string,
): string[] {
  const texts = (values: Readonly<Record<string, T>>) =>
    new Map(Object.entries(values).map(([channel, value]) => [channel, text(value)]));
  return byKey(field, texts(before), texts(after));
}

function byKey(field: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => changed(`${field} of ${key}`, before.get(key) ?? 'unset', after.get(key) ?? 'unset'));
}

function safetyStocksOf({ safetyStocks }: Rules): Map<string, string> {
  return new Map(
    safetyStocks.map(({ sku, warehouse, units, percent }) => [
      `${sku === '' ? 'every item' : sku} in ${warehouse === '' ? 'every warehouse' : warehouse}`,
      percent === 0 ? String(units) : `${units} or ${percent} %`,
    ]),
  );
}

function exchangePoolsOf({ exchangePools }: Rules): Map<string, string> {
  return new Map(
    exchangePools.map(({ sku, minimum, maximum }) => [
      sku === '' ? 'every item' : sku,
      `at least ${minimum}, ${maximum === 0 ? 'without limit' : `at most ${maximum}`}`,
    ]),
  );
}

function changed(what: string, was: string, is: string): string[] {
  return was === is ? [] : [`${what} was ${was === '' ? 'empty' : was}, is now ${is === '' ? 'empty' : is}`];
}

/** In the largest unit that needs no fraction. */
function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms !== 0 && ms % size === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
