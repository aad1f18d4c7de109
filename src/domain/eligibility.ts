import { type Refusal, refuse } from './refusal.ts';
import type { Rules } from './rules.ts';

const DAY_MS = 86_400_000;

/** What the returns platform knows about the exchange when it asks. */
export interface ExchangeFacts {
  /** Milliseconds since the Unix epoch, or null where unknown. */
  readonly deliveredAt: number | null;
  readonly reason: string;
}

/** The first rule that says no, in the order of the rule set, or null where the exchange is eligible. */
export function checkEligibility(rules: Rules, facts: ExchangeFacts, now: number): Refusal | null {
  const { returnWindowDays, refusedReasons } = rules.eligibility;
  if (facts.deliveredAt !== null && now - facts.deliveredAt > returnWindowDays * DAY_MS) {
    return notEligible('return-window', `delivered more than ${returnWindowDays} days ago`, rules.version);
  }
  if (refusedReasons.includes(facts.reason.toUpperCase())) {
    return notEligible('reason', 'this return reason is never exchanged', rules.version);
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
