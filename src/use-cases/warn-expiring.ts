import { CLOCK_CALLER } from '../domain/caller.ts';
import { warnOfExpiry } from '../domain/expiry-warning.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type UnitOfWork } from '../ports.ts';
import { causeOf } from './call.ts';

/** Reservations one command warns of. */
export const WARNING_SIZE = 50;

const CLOCK_CALL = { caller: CLOCK_CALLER, trace: null };

/**
 * Tells of deadlines that are near. Whether a warning is really to be sent is decided again under the locks, so any
 * number of processes may try.
 * @returns how many were sent
 */
export async function warnExpiring(
  deps: { readonly unitOfWork: UnitOfWork },
  reservationIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  if (reservationIds.length === 0) return 0;
  const command: Command = {
    name: 'warn-expiring',
    caller: CLOCK_CALLER,
    claim: null,
    needs: { ...NO_NEEDS, ownRules: true, targets: reservationIds.map((id) => ({ by: 'reservation' as const, id })) },
    lineCount: reservationIds.length,
    trace: null,
    decide: (work) => decideWarnings(work, reservationIds),
  };
  const [outcome] = await deps.unitOfWork.submit([command], { lane: 'background', signal });
  return outcome?.ok === true && outcome.answer.kind === 'swept' ? outcome.answer.count : 0;
}

function decideWarnings(work: WorkingSet, reservationIds: readonly string[]): Decision {
  let count = 0;
  for (const id of reservationIds) {
    const found = work.find({ by: 'reservation', id });
    if (found === null) continue;
    const decision = warnOfExpiry(found, work.ruleBook.of(found), work.now);
    if (decision.outcome !== 'changed') continue;
    const cause = causeOf(CLOCK_CALL, 'deadline is near');
    work.record({ kind: decision.kind, previous: found, next: decision.next, cause }, decision.pools);
    count += 1;
  }
  return { answer: { kind: 'swept', count } };
}
