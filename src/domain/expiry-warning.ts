import { canExpire, isDue, isLive, type Reservation } from './reservation.ts';
import type { Rules } from './rules.ts';
import { changed, type Transition, UNCHANGED } from './transition.ts';

/** What is said of a deadline that is near: to the customer, and to staff. Both are made of the deadline alone. */
export interface WarningTexts {
  readonly customerMessage: string;
  readonly staffMessage: string;
}

/** One sentence each in English, with nothing of a person in it. @param expireAt as ISO 8601 in UTC */
export function warningTexts(expireAt: string): WarningTexts {
  return {
    customerMessage: `Your replacement item is held for you until ${expireAt}; after that it may go to somebody else.`,
    staffMessage: `The reservation expires at ${expireAt}.`,
  };
}

/**
 * Tells once of each deadline that it is near, by the rules the reservation follows. What the clock will not free needs
 * no warning; neither does what was held for no longer than the warning from the start, which would come at once.
 */
export function warnOfExpiry(reservation: Reservation, rules: Rules, now: number): Transition {
  if (!isLive(reservation) || !canExpire(reservation) || isDue(reservation, now)) return UNCHANGED;
  const { expireAt, createdAt, warnedFor } = reservation;
  const { expiryWarningMs } = rules;
  if (warnedFor === expireAt || expiryWarningMs === 0) return UNCHANGED;
  if (expireAt - createdAt <= expiryWarningMs || expireAt - now > expiryWarningMs) return UNCHANGED;
  return changed('expiring-soon', { ...reservation, warnedFor: expireAt });
}
