import { canExpire, isDue, isLive, type Reservation } from './reservation.ts';
import type { Rules } from './rules.ts';
import { changed, type Transition, UNCHANGED } from './transition.ts';

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
