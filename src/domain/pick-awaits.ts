import type { Reservation } from './reservation.ts';
import type { WorkingSet } from './working-set.ts';

/**
 * What the pick for an exchange awaits by the rules that hold now: nothing where they name no milestone, or where it was
 * reported before. Part of a reservation, which has no such field where its pick awaits nothing.
 */
export function awaitedNow({ rules, milestones }: WorkingSet, exchangeId: string): Pick<Reservation, 'pickAwaits'> {
  const { pickOn } = rules;
  if (pickOn === null || milestones.reportedOf(exchangeId).has(pickOn)) return {};
  return { pickAwaits: pickOn };
}
