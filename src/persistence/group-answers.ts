import { refuse } from '../domain/refusal.ts';
import type { Command, Outcome } from '../ports.ts';

export type Answers = Map<Command, Outcome | Error>;

/** Commands that are answered together, once each of them has its answer. */
export interface WaitingGroup {
  readonly commands: readonly Command[];
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

/** A bug rejects the call it is the whole of; in a larger group it must not hide what the others' commits made true. */
export function settle(group: WaitingGroup, answers: Answers): void {
  const outcomes: Outcome[] = [];
  for (const command of group.commands) {
    const answer = answers.get(command) ?? new Error('a unit left a command without an answer');
    if (!(answer instanceof Error)) outcomes.push(answer);
    else if (group.commands.length > 1) outcomes.push({ ok: false, refusal: refuse('INTERNAL', 'internal error') });
    else {
      group.reject(answer);
      return;
    }
  }
  group.resolve(outcomes);
}

/** The same refusal for each of a group's commands. */
export function refuseEach(commands: readonly Command[], refusal: ReturnType<typeof refuse>): Outcome[] {
  return commands.map(() => ({ ok: false, refusal }));
}

/** A time-out aborts with a TimeoutError; everything else is the caller going away. */
export function dropped(signal: AbortSignal): ReturnType<typeof refuse> {
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return timedOut
    ? refuse('DEADLINE_EXCEEDED', 'the deadline passed before the call was decided')
    : refuse('CANCELLED', 'the call was cancelled before it was decided');
}
