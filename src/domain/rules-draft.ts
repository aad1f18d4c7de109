import { type Refusal, refuse } from './refusal.ts';
import type { Rules } from './rules.ts';
import { poolKey } from './stock-level.ts';

/** Characters that all expressions have together at most: making them ready takes the process a moment. */
export const EXPRESSIONS_LENGTH_MAX = 16_000;

/** Steps that all eligibility rules together may take for one request, about 1 µs each. */
export const ELIGIBILITY_COST_MAX = 10_000;

/** Rules to be: without a version, and from now on where they name no instant. */
export interface RulesDraft extends Omit<Rules, 'version' | 'effectiveAt'> {
  readonly effectiveAt: number | null;
}

/** Refuses a draft that contradicts itself, by the field as callers know it; each field alone is in its range already. */
export function checkDraft(draft: RulesDraft): Refusal | null {
  return (
    checkNames(draft) ??
    checkLength(draft) ??
    checkWindows(draft) ??
    checkMilestones(draft) ??
    checkPickOn(draft) ??
    checkPools(draft) ??
    checkLadder(draft) ??
    checkTimeZone(draft)
  );
}

function checkNames({ eligibility }: RulesDraft): Refusal | null {
  const seen = new Set<string>();
  for (const [at, { name }] of eligibility.entries()) {
    if (seen.has(name)) return invalid(`eligibility[${at}].name`, `a rule before is named ${name} too`, { rule: name });
    seen.add(name);
  }
  return null;
}

function checkLength({ eligibility }: RulesDraft): Refusal | null {
  const length = eligibility.reduce((sum, { expression }) => sum + expression.length, 0);
  if (length <= EXPRESSIONS_LENGTH_MAX) return null;
  return invalid('eligibility', `the expressions have more than ${EXPRESSIONS_LENGTH_MAX} characters together`, {
    limit: EXPRESSIONS_LENGTH_MAX,
    length,
  });
}

function checkWindows(draft: RulesDraft): Refusal | null {
  const { minHoldWindowMs: min, maxHoldWindowMs: max } = draft;
  if (max < min) return invalid('max_hold_window', 'is shorter than min_hold_window', bounds(draft));
  if (draft.waitlistWindowMs <= 0) return invalid('waitlist_window', 'leaves no time to wait');
  const windows: [string, number][] = [
    ['default_hold_window', draft.defaultHoldWindowMs],
    ...Object.entries(draft.channelHoldWindowsMs).map(([channel, ms]): [string, number] => [
      `channel_hold_windows[${JSON.stringify(channel)}]`,
      ms,
    ]),
  ];
  for (const [field, ms] of windows) {
    const refusal = checkWindow(draft, field, ms);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkMilestones(draft: RulesDraft): Refusal | null {
  for (const rule of draft.milestones) {
    if (rule.action !== 'SET_DEADLINE') continue;
    const refusal = checkWindow(draft, `milestones[${rule.milestone}].deadline`, rule.deadlineMs);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** A pick that is asked for with the end of the reservation would never be asked for. */
function checkPickOn({ pickOn, milestones }: RulesDraft): Refusal | null {
  const action = milestones.find(({ milestone }) => milestone === pickOn)?.action;
  if (pickOn === null || (action !== 'FULFIL' && action !== 'RELEASE')) return null;
  return invalid('pick_on', `${pickOn} ends the reservation, so nothing would ever be picked`, { milestone: pickOn });
}

/** Each item and warehouse once, and no maximum below its minimum. */
function checkPools({ safetyStocks, exchangePools }: RulesDraft): Refusal | null {
  const places = safetyStocks.map(({ sku, warehouse }) => poolKey(sku, warehouse));
  const twice = repeatedAt(places);
  if (twice >= 0) return invalid(`safety_stocks[${twice}]`, 'an entry before is for the same item and warehouse');
  const again = repeatedAt(exchangePools.map(({ sku }) => sku));
  if (again >= 0) return invalid(`exchange_pools[${again}].sku`, 'an entry before is for the same item');
  const narrow = exchangePools.findIndex(({ minimum, maximum }) => maximum > 0 && maximum < minimum);
  return narrow < 0 ? null : invalid(`exchange_pools[${narrow}].maximum`, 'is smaller than the minimum');
}

/** Each step once and where it can be reached: another warehouse is nothing to come back to, a refund ends it all. */
function checkLadder({ ladder, sourcing }: RulesDraft): Refusal | null {
  const twice = repeatedAt(ladder);
  if (twice >= 0) return invalid(`ladder[${twice}]`, 'the step stands there twice');
  const elsewhere = ladder.indexOf('OTHER_WAREHOUSE');
  if (elsewhere > 0) return invalid(`ladder[${elsewhere}]`, 'OTHER_WAREHOUSE can only be the first step');
  if (elsewhere < 0 && sourcing === 'FEWEST_SPLITS') {
    return invalid('ladder', 'FEWEST_SPLITS chooses among all warehouses, so that OTHER_WAREHOUSE is needed');
  }
  const refund = ladder.indexOf('SUGGEST_REFUND');
  const isEarly = refund >= 0 && refund < ladder.length - 1;
  return isEarly ? invalid(`ladder[${refund}]`, 'SUGGEST_REFUND can only be the last step') : null;
}

/** Where the first element stands that an earlier one equals; -1 where there is none. */
function repeatedAt(keys: readonly string[]): number {
  const seen = new Set<string>();
  return keys.findIndex((key) => seen.size === seen.add(key).size);
}

function checkWindow(draft: RulesDraft, field: string, ms: number): Refusal | null {
  if (ms > 0 && ms >= draft.minHoldWindowMs && ms <= draft.maxHoldWindowMs) return null;
  return invalid(field, 'lies outside min_hold_window and max_hold_window', { ...bounds(draft), window_ms: ms });
}

function bounds({ minHoldWindowMs, maxHoldWindowMs }: RulesDraft) {
  return { min_hold_window_ms: minHoldWindowMs, max_hold_window_ms: maxHoldWindowMs };
}

function checkTimeZone({ timeZone }: RulesDraft): Refusal | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return null;
  } catch {
    return invalid('time_zone', 'is no IANA time zone', { time_zone: timeZone });
  }
}

/** @param field inside the rules */
export function invalid(field: string, problem: string, more: Record<string, string | number> = {}): Refusal {
  const path = `rules.${field}`;
  return refuse('INVALID_FIELD', `${path}: ${problem}`, { field: path, description: problem, ...more });
}
