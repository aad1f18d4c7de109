import type { AskedRequest } from './asked-request.ts';
import { checkEligibility, type EligibilityCheck } from './eligibility.ts';
import { chooseHoldWindow, deadlineOf } from './hold-window.ts';
import { checkPastMaximum, sourcePast, waitsBy } from './past-stock.ts';
import type { Refusal } from './refusal.ts';
import type { RuleSet } from './rule-book.ts';
import { checkSizeLimits, type Rules, ruleLimit } from './rules.ts';
import type { SeenPool } from './seen-pools.ts';
import type { Placement, Warehouse } from './sourcing.ts';

/** A fact of a request, by the name rules know it by. */
export type FactName =
  | 'delivered_time'
  | 'item_condition'
  | 'customer_tier'
  | 'attributes'
  | 'country_code'
  | 'postal_code';

/** A request as far as it was kept. */
export interface PastRequest extends Omit<AskedRequest, 'customerRef'> {
  /** Facts that were told and are kept no more; they stand empty. */
  readonly lost: readonly FactName[];
  /** Live reservations its customer had then; 0 where it named none, null where nobody knows. */
  readonly liveOfCustomer: number | null;
}

/** A request as it was once decided. */
export interface PastCase {
  /** Empty where it was refused. */
  readonly trackingId: string;
  readonly exchangeId: string;
  /** Milliseconds since the Unix epoch by the database's clock. */
  readonly decidedAt: number;
  readonly ruleVersion: number;
  /** Null where it was decided before requests were kept. */
  readonly request: PastRequest | null;
  /** The pools as the decision saw them. */
  readonly seen: readonly SeenPool[];
  readonly was:
    | { readonly accepted: true; readonly expireAt: number; readonly placements: readonly Placement[] }
    | { readonly accepted: false; readonly refusal: Refusal };
}

/** What rules say to a past case. */
export type RuleAnswer =
  | {
      readonly kind: 'accepted';
      /** Null where the rules ask for stock that nobody saw then, or for the way to it. */
      readonly placements: readonly Placement[] | null;
      /** Null where nobody knows whether it would have waited. */
      readonly expireAt: number | null;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Nobody knows what the rules would have needed to know. */
  | { readonly kind: 'unknown'; readonly missing: string };

/** Refusals that depend on rules or on the stock that rules choose; any other stands whatever the rules are. */
const BY_RULES: ReadonlySet<string> = new Set(['NOT_ELIGIBLE', 'RULE_LIMIT', 'NO_STOCK']);

/**
 * What a rule set says to a request that was decided before, with the stock seen then and the warehouses there are now.
 * It is asked what a Reserve asks, about the request alone: what other cases would have left is not known. Where a rule
 * surely says no, what the others would have needed to know does not matter.
 * @param past the rules it was decided by, which tell which warehouses were looked at; null where unknown
 */
export function answerBy(
  set: RuleSet,
  { request, seen, decidedAt, was }: PastCase,
  past: Rules | null,
  warehouses: readonly Warehouse[],
): RuleAnswer {
  if (!was.accepted && !isByRules(was.refusal)) return { kind: 'refused', refusal: was.refusal };
  if (request === null) return unknown('the request was not kept');
  const { rules } = set;
  const eligible = checkKnown(set, request, decidedAt);
  if (eligible !== null && 'reason' in eligible) return { kind: 'refused', refusal: eligible };
  const maximum = checkPastMaximum(rules, request, was, past);
  const refusal = checkLimits(rules, request) ?? (maximum !== null && 'reason' in maximum ? maximum : null);
  if (refusal !== null) return { kind: 'refused', refusal };
  const window = chooseHoldWindow(rules, request.channel, request.holdWindowMs);
  if ('refusal' in window) return { kind: 'refused', refusal: window.refusal };
  const { least, most, order } = sourcePast(rules, request, seen, past, warehouses);
  if (order === 'decides') return unknown('postal_code is kept no more');
  if ('refusal' in least && 'refusal' in most) return { kind: 'refused', refusal: least.refusal };
  if (eligible !== null) return unknown(eligible.missing);
  if (maximum !== null && 'missing' in maximum) return unknown(maximum.missing);
  if (rules.maxLivePerCustomer > 0 && request.liveOfCustomer === null) {
    return unknown('nobody knows what the customer had then');
  }
  if ('refusal' in least || 'refusal' in most) return unknown('nobody saw the stock of all warehouses that are asked');
  const isCertain = order === 'known' && JSON.stringify(least) === JSON.stringify(most);
  const waits = waitsBy(rules, request, least.placements);
  const expireAt = deadlineOf(rules, decidedAt, waits ? rules.waitlistWindowMs : window.holdWindowMs);
  return {
    kind: 'accepted',
    placements: isCertain ? least.placements : null,
    expireAt: waits === waitsBy(rules, request, most.placements) ? expireAt : null,
  };
}

function unknown(missing: string): RuleAnswer {
  return { kind: 'unknown', missing };
}

/** A closed exchange is none of the rules' doing, though it is refused as if it were. */
export function isByRules({ reason, metadata }: Refusal): boolean {
  return BY_RULES.has(reason) && metadata.rule !== 'exchange-closed';
}

/**
 * The first rule that says no among those that can be asked. Where none does and some ask for what is kept no more, the
 * name of that.
 */
export function checkKnown(
  { rules, checks }: RuleSet,
  request: PastRequest,
  decidedAt: number,
): Refusal | { readonly missing: string } | null {
  const lostTo = (check: EligibilityCheck) => request.lost.find((fact) => asksFor(check.rule.expression, fact));
  const known = request.lost.length === 0 ? checks : checks.filter((check) => lostTo(check) === undefined);
  const refusal = checkEligibility(known, rules.version, request, decidedAt);
  if (refusal !== null || known.length === checks.length) return refusal;
  const [fact] = checks.flatMap((check) => lostTo(check) ?? []);
  return { missing: `${fact} is kept no more` };
}

/** Whether an expression may ask for a fact; one that names the whole it is a part of may ask for anything in it. */
function asksFor(expression: string, fact: FactName): boolean {
  const whole = fact === 'country_code' || fact === 'postal_code' ? 'destination' : 'facts';
  return new RegExp(`\\b${fact}\\b|\\b${whole}\\b(?!\\s*\\.\\s*[a-z_])`).test(expression);
}

function checkLimits(rules: Rules, { lines, liveOfCustomer }: PastRequest): Refusal | null {
  const units = lines.reduce((sum, line) => sum + line.quantity, 0);
  const excess = checkSizeLimits(rules, lines.length, units);
  if (excess !== null || rules.maxLivePerCustomer === 0 || liveOfCustomer === null) return excess;
  const { maxLivePerCustomer, version } = rules;
  const asked = liveOfCustomer + 1;
  return asked <= maxLivePerCustomer ? null : ruleLimit('max_live_per_customer', maxLivePerCustomer, asked, version);
}
