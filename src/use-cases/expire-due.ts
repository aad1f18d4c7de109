import { flagOverdue } from '../domain/resolution.ts';
import type { UnitOfWork } from '../ports.ts';
import { causeOf } from './call.ts';
import { CLOCK_CALL, type ClockSweep, sweepByClock } from './clock-sweep.ts';

/** The working set has expired what was due when it was filled; what is left here is to flag and to count. */
const EXPIRY: ClockSweep = {
  name: 'expire',
  begin: (work) => work.expireDue(causeOf(CLOCK_CALL, 'deadline')),
  decide(work, found) {
    const decision = flagOverdue(found, work.ruleBook.of(found), work.now);
    if (decision.outcome !== 'changed') return found.state === 'EXPIRED';
    const cause = causeOf(CLOCK_CALL, 'overdue in preparation');
    work.record({ kind: decision.kind, previous: found, next: decision.next, cause }, decision.pools);
    return true;
  },
};

/**
 * Frees what is past its deadline and flags what a warehouse holds past it. Which reservations are really due is
 * decided again under their locks, so a late or repeated sweep does no harm.
 * @returns how many were freed or flagged
 */
export function expireDue(
  deps: { readonly unitOfWork: UnitOfWork },
  reservationIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  return sweepByClock(deps, EXPIRY, reservationIds, signal);
}
