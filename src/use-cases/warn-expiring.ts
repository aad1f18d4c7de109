import { warnOfExpiry } from '../domain/expiry-warning.ts';
import type { UnitOfWork } from '../ports.ts';
import { causeOf } from './call.ts';
import { CLOCK_CALL, type ClockSweep, sweepByClock } from './clock-sweep.ts';

const WARNING: ClockSweep = {
  name: 'warn-expiring',
  decide(work, found) {
    const decision = warnOfExpiry(found, work.ruleBook.of(found), work.now);
    if (decision.outcome !== 'changed') return false;
    const cause = causeOf(CLOCK_CALL, 'deadline is near');
    work.record({ kind: decision.kind, previous: found, next: decision.next, cause }, decision.pools);
    return true;
  },
};

/**
 * Tells of deadlines that are near. Whether a warning is really to be sent is decided again under the locks, so any
 * number of processes may try.
 * @returns how many were sent
 */
export function warnExpiring(
  deps: { readonly unitOfWork: UnitOfWork },
  reservationIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  return sweepByClock(deps, WARNING, reservationIds, signal);
}
