import { CLOCK_CALLER } from '../domain/caller.ts';
import { flagOverdue } from '../domain/resolution.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type UnitOfWork } from '../ports.ts';
import { causeOf } from './call.ts';

/** Reservations one sweep command names; with the unit's quarter for background work this bounds a sweep's locks. */
export const SWEEP_SIZE = 50;

const CLOCK_CALL = { caller: CLOCK_CALLER, trace: null };

/**
 * Frees what is past its deadline and flags what a warehouse holds past it. Which reservations are really due is
 * decided again under their locks, so a late or repeated sweep does no harm.
 */
export async function expireDue(
  deps: { readonly unitOfWork: UnitOfWork },
  reservationIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  if (reservationIds.length === 0) return 0;
  const command: Command = {
    name: 'expire',
    caller: CLOCK_CALLER,
    claim: null,
    needs: { ...NO_NEEDS, ownRules: true, targets: reservationIds.map((id) => ({ by: 'reservation' as const, id })) },
    lineCount: reservationIds.length,
    trace: null,
    decide: (work) => decideSweep(work, reservationIds),
  };
  const [outcome] = await deps.unitOfWork.submit([command], { lane: 'background', signal });
  return outcome?.ok === true && outcome.answer.kind === 'swept' ? outcome.answer.count : 0;
}

/** The working set has expired what was due when it was filled; what is left here is to flag and to count. */
function decideSweep(work: WorkingSet, reservationIds: readonly string[]): Decision {
  work.expireDue(causeOf(CLOCK_CALL, 'deadline'));
  let count = 0;
  for (const id of reservationIds) {
    const found = work.find({ by: 'reservation', id });
    if (found === null) continue;
    const decision = flagOverdue(found, work.ruleBook.of(found), work.now);
    if (decision.outcome === 'changed') {
      const cause = causeOf(CLOCK_CALL, 'overdue in preparation');
      work.record({ kind: decision.kind, previous: found, next: decision.next, cause }, decision.pools);
    }
    if (decision.outcome === 'changed' || found.state === 'EXPIRED') count += 1;
  }
  return { answer: { kind: 'swept', count } };
}
