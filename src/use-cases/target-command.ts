import { refuse } from '../domain/refusal.ts';
import { isLive, type Reservation } from '../domain/reservation.ts';
import { checkEtag } from '../domain/transition.ts';
import type { Target, WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, type Needs, NO_NEEDS } from '../ports.ts';
import { type Call, claimOf, type RequestKey, reservationAnswer } from './call.ts';

export interface TargetInput extends RequestKey {
  readonly target: Target;
  /** Empty asks for no check. */
  readonly etag: string;
}

interface TargetCommand {
  readonly name: string;
  readonly method: string;
  readonly input: TargetInput;
  readonly call: Call;
  /** Whether an exchange that never had a reservation is an answer and no refusal. */
  readonly absentIsDone?: boolean;
  /** Rows needed beside those of the target. */
  readonly needs?: Partial<Needs>;
  readonly lineCount?: number;
  decide(found: Reservation, work: WorkingSet): Decision;
}

/** A command about one reservation that exists, in the version its caller knows. */
export function targetCommand(about: TargetCommand): Command {
  const { name, method, input, call } = about;
  return {
    name,
    caller: call.caller,
    claim: claimOf(method, input),
    needs: { ...NO_NEEDS, ...about.needs, targets: [input.target] },
    lineCount: about.lineCount ?? 1,
    trace: call.trace,
    decide: (work) => decideTarget(work, about),
  };
}

function decideTarget(work: WorkingSet, { input, absentIsDone, decide }: TargetCommand): Decision {
  const { target, etag } = input;
  const found = work.find(target);
  if (found === null) {
    if (absentIsDone === true && target.by === 'exchange') return { answer: reservationAnswer(null) };
    const metadata = { [`${target.by}_id`]: target.id };
    return { refusal: refuse('UNKNOWN_RESERVATION', 'there is no such reservation', metadata) };
  }
  // What is resolved says so whatever version the caller knows: a second attempt is no conflict.
  const mismatch = isLive(found) ? checkEtag(found, etag) : null;
  if (mismatch !== null) return { refusal: mismatch };
  return decide(found, work);
}
