import { askPickOn, followMilestone } from '../domain/milestone.ts';
import { isTerminal, type Milestone } from '../domain/milestone-rules.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Reservation } from '../domain/reservation.ts';
import { UNCHANGED } from '../domain/transition.ts';
import type { Target, WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, causeOf, claimOf, type RequestKey, submitOne } from './call.ts';
import { recordTransition } from './resolve.ts';

export interface ReportMilestoneInput extends RequestKey {
  readonly target: Target;
  readonly milestone: Milestone;
  /** Milliseconds since the Unix epoch; null means now. One that lies ahead counts as now. */
  readonly occurredAt: number | null;
  /** For the audit trail; never customer data. */
  readonly note: string;
}

/**
 * Tells what happened to an exchange; what follows for its reservation is a matter of the rules the reservation was
 * decided by. Milestones may come in any order, again, and late: each has one effect, and every first report is kept.
 * One that ends the exchange lets nothing more be reserved for it.
 */
export function reportMilestone(
  deps: { readonly unitOfWork: UnitOfWork },
  input: ReportMilestoneInput,
  call: Call,
): Promise<Outcome> {
  const command: Command = {
    name: 'report-milestone',
    caller: call.caller,
    claim: claimOf('ReportMilestone', input),
    needs: { ...NO_NEEDS, targets: [input.target], ownRules: true, milestones: true },
    lineCount: 1,
    trace: call.trace,
    decide: (work) => decideMilestone(work, input, call),
  };
  return submitOne(deps.unitOfWork, command, call);
}

/**
 * A milestone of an earlier reservation neither moves nor ends the one made since; but it is one of the exchange, and the
 * pick of the newest may await it.
 */
function decideMilestone(work: WorkingSet, input: ReportMilestoneInput, call: Call): Decision {
  const found = work.find(input.target);
  if (found === null) return decideWithoutReservation(work, input, call);
  const { milestone } = input;
  const { latest } = work.exchange(found.exchangeId);
  const isNewest = latest?.reservationId === found.reservationId;
  const occurredAt = occurredAtOf(work, input);
  const reached = work.milestones.reachedBy(found.reservationId);
  const transition = followMilestone(found, work.ruleBook.of(found), { milestone, occurredAt }, reached, work.now);
  const decision = recordTransition(work, found, transition, call, reasonOf(input));
  if ('refusal' in decision) return decision;
  const asked = latest === null || isNewest ? UNCHANGED : askPickOn(latest, milestone, work.now);
  if (latest !== null) recordTransition(work, latest, asked, call, reasonOf(input));
  const applied = [transition, asked].some(({ outcome }) => outcome === 'changed');
  keep(work, input, call, { exchangeId: found.exchangeId, reservationId: found.reservationId, applied });
  if (isTerminal(milestone) && isNewest) work.exchanges.close(found.exchangeId, milestone);
  return answer(work.find({ by: 'reservation', id: found.reservationId }), applied);
}

/**
 * An exchange may end before anything was reserved for it. Another milestone has nothing to bring about and is refused,
 * but kept: it happened, and a pick may await it.
 */
function decideWithoutReservation(work: WorkingSet, input: ReportMilestoneInput, call: Call): Decision {
  const { target, milestone } = input;
  if (target.by !== 'exchange') return { refusal: unknown(target) };
  if (!isTerminal(milestone)) {
    keep(work, input, call, { exchangeId: target.id, reservationId: null, applied: false });
    return { refusal: unknown(target) };
  }
  const applied = work.exchanges.close(target.id, milestone);
  keep(work, input, call, { exchangeId: target.id, reservationId: null, applied });
  return answer(null, applied);
}

function keep(
  work: WorkingSet,
  input: ReportMilestoneInput,
  call: Call,
  what: { readonly exchangeId: string; readonly reservationId: string | null; readonly applied: boolean },
): void {
  const { milestone } = input;
  const occurredAt = occurredAtOf(work, input);
  work.milestones.add({ ...what, milestone, occurredAt, cause: causeOf(call, reasonOf(input)) });
}

function occurredAtOf(work: WorkingSet, { occurredAt }: ReportMilestoneInput): number {
  return Math.min(occurredAt ?? work.now, work.now);
}

function reasonOf({ milestone, note }: ReportMilestoneInput): string {
  return note === '' ? milestone : `${milestone}: ${note}`;
}

function answer(reservation: Reservation | null, applied: boolean): Decision {
  return { answer: { kind: 'milestone', reservation, applied } };
}

function unknown(target: Target): Refusal {
  return refuse('UNKNOWN_RESERVATION', 'there is no such reservation', { [`${target.by}_id`]: target.id });
}
