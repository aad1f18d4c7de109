import { type Refusal, refuse } from './refusal.ts';
import { type EligibilityRule, RETURN_REASON, RETURN_WINDOW, type Rules } from './rules.ts';

const RETURN_WINDOW_MS = 90 * 86_400_000;

/** What the returns platform knows about the exchange when it asks. */
export interface ExchangeFacts {
  /** Milliseconds since the Unix epoch, or null where unknown. */
  readonly deliveredAt: number | null;
  readonly reason: string;
  readonly itemCondition: string;
  readonly customerTier: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Destination {
  readonly countryCode: string;
  readonly postalCode: string;
}

/** The part of a request that eligibility rules may ask about. */
export interface ExchangeCase {
  readonly facts: ExchangeFacts;
  readonly channel: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly destination: Destination;
}

/** Why a rule could not tell whether it allows a case. */
export interface EvaluationFailure {
  readonly failure: string;
}

/** A rule ready to be asked. */
export interface EligibilityCheck {
  readonly rule: EligibilityRule;
  /** Steps it takes at most, whatever the case. */
  readonly cost: number;
  allows(asked: ExchangeCase, now: number): boolean | EvaluationFailure;
}

/** Where and why an expression is none that can be asked; line and column count from 1. */
export interface CompileFailure {
  readonly problem: string;
  readonly line: number;
  readonly column: number;
}

export type CompileRule = (rule: EligibilityRule) => EligibilityCheck | CompileFailure;

/** The two rules every service starts with, in the language of the service: several times as fast as any expression. */
const BUILT_IN: ReadonlyMap<string, EligibilityCheck['allows']> = new Map([
  [
    RETURN_WINDOW.expression,
    ({ facts }, now) => facts.deliveredAt === null || now - facts.deliveredAt <= RETURN_WINDOW_MS,
  ],
  [RETURN_REASON.expression, ({ facts }) => facts.reason.toUpperCase() !== 'ABUSE'],
] satisfies [string, EligibilityCheck['allows']][]);

/** The check of a rule: built in where its expression is, else compiled. */
export function makeCheck(rule: EligibilityRule, compile: CompileRule): EligibilityCheck | CompileFailure {
  const allows = BUILT_IN.get(rule.expression);
  return allows === undefined ? compile(rule) : { rule, cost: 1, allows };
}

/** The checks of stored rules. One that no longer compiles stays in force and allows nothing. */
export function makeChecks(rules: Pick<Rules, 'eligibility'>, compile: CompileRule): EligibilityCheck[] {
  return rules.eligibility.map((rule) => {
    const check = makeCheck(rule, compile);
    return 'problem' in check ? { rule, cost: 0, allows: () => ({ failure: check.problem }) } : check;
  });
}

/** The first rule that says no, in the order of the rule set, or null where the exchange is eligible. */
export function checkEligibility(
  checks: readonly EligibilityCheck[],
  ruleVersion: number,
  asked: ExchangeCase,
  now: number,
): Refusal | null {
  for (const { rule, allows } of checks) {
    const verdict = allows(asked, now);
    if (verdict === true) continue;
    return refuse(
      'NOT_ELIGIBLE',
      rule.staffMessage === '' ? `rule ${rule.name} does not allow it` : rule.staffMessage,
      {
        rule: rule.name,
        rule_version: ruleVersion,
        ...(rule.customerMessage === '' ? {} : { customer_message: rule.customerMessage }),
        ...(rule.staffMessage === '' ? {} : { staff_message: rule.staffMessage }),
        ...(verdict === false ? {} : { failure: verdict.failure }),
      },
    );
  }
  return null;
}

export function notEligible(rule: string, message: string, ruleVersion: number): Refusal {
  return refuse('NOT_ELIGIBLE', message, { rule, rule_version: ruleVersion });
}

/** How much of one bought order line has been exchanged; `purchased` 0 means no bound is known. */
export interface OrderLineUse {
  readonly orderId: string;
  readonly orderLineId: string;
  readonly purchased: number;
  readonly exchanged: number;
}

export function orderLineKey(orderId: string, orderLineId: string): string {
  return `${orderId}\u0000${orderLineId}`;
}

/** Refuses when the units exchanged would exceed those bought. The first known `purchased` stands. */
export function checkOrderLine(use: OrderLineUse, asked: number): Refusal | null {
  if (use.purchased === 0 || use.exchanged + asked <= use.purchased) return null;
  return refuse('ORDER_LINE_EXHAUSTED', 'more would be exchanged than was bought', {
    order_line_id: use.orderLineId,
    purchased: use.purchased,
    exchanged: use.exchanged,
    requested: asked,
  });
}
