import type { Refusal } from './refusal.ts';
import { SALE_CHANNEL } from './stock-level.ts';

/**
 * What is tried, in this order, for a line that cannot be had whole: another warehouse than the first that is asked; an
 * equivalent item, where the customer accepts one; to wait, where the request asks for it; and to suggest a refund of
 * what is refused. What a ladder leaves out is never done.
 */
export type LadderStep = 'OTHER_WAREHOUSE' | 'EQUIVALENT_SKU' | 'WAITLIST' | 'SUGGEST_REFUND';

export const DEFAULT_LADDER: readonly LadderStep[] = ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST'];

/** What a request says of going without what it asks for. */
export interface ShortfallWishes {
  /** Takes what there is and forgets the rest. */
  readonly partial: boolean;
  /** Takes what there is and queues for the rest. */
  readonly waitlist?: boolean;
  /** Takes equivalent items. */
  readonly acceptSubstitutes?: boolean;
}

/** How far a request goes down the ladder. */
export interface Descent {
  /** Takes what there is instead of refusing. */
  readonly partial: boolean;
  /** Queues for the rest. */
  readonly waits: boolean;
  readonly takesSubstitutes: boolean;
  /** Each line is served by the first warehouse that is asked, or not at all. */
  readonly firstOnly: boolean;
}

/** Who may wait never is refused, so that what comes after waiting is never reached. */
export function descend(ladder: readonly LadderStep[], wishes: ShortfallWishes): Descent {
  const waits = wishes.waitlist === true && ladder.includes('WAITLIST');
  const reached = waits ? ladder.slice(0, ladder.indexOf('WAITLIST')) : ladder;
  return {
    partial: wishes.partial || waits,
    waits,
    takesSubstitutes: wishes.acceptSubstitutes === true && reached.includes('EQUIVALENT_SKU'),
    firstOnly: !ladder.includes('OTHER_WAREHOUSE'),
  };
}

/** What is refused for want of stock suggests a refund where the ladder ends so; a sale is nothing to be refunded. */
export function suggestRefund(refusal: Refusal, ladder: readonly LadderStep[], channel: string): Refusal {
  const isSuggested = ladder.includes('SUGGEST_REFUND') && channel !== SALE_CHANNEL;
  if (refusal.reason !== 'NO_STOCK' || !isSuggested) return refusal;
  return { ...refusal, metadata: { ...refusal.metadata, suggestion: REFUND } };
}

/** The one value of `suggestion` in the metadata of a refusal. */
export const REFUND = 'REFUND';
