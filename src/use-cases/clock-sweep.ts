import { CLOCK_CALLER } from '../domain/caller.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type UnitOfWork } from '../ports.ts';

/**
 * Reservations one command of the clock names: few, so that a unit can carry as many as it has time for. With the unit's
 * share for background work this bounds its locks.
 */
export const SWEEP_SIZE = 8;

/** Reservations the clock takes on at once; more of them wait for its next look. */
export const SWEEPS_READ_MAX = 256;

export const CLOCK_CALL = { caller: CLOCK_CALLER, trace: null };

/** What the clock does with reservations. Each is decided under its lock, so any number of processes may try. */
export interface ClockSweep {
  readonly name: string;
  /** Comes before the reservations are looked at one by one. */
  readonly begin?: (work: WorkingSet) => void;
  /** Records what becomes of one of them; answers whether it counts as done. */
  readonly decide: (work: WorkingSet, found: Reservation) => boolean;
}

/**
 * Goes through reservations in bounded commands, by the rules each was decided by.
 * @returns how many were done
 */
export async function sweepByClock(
  deps: { readonly unitOfWork: UnitOfWork },
  sweep: ClockSweep,
  reservationIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const commands: Command[] = [];
  for (let at = 0; at < reservationIds.length; at += SWEEP_SIZE) {
    commands.push(sweepCommand(sweep, reservationIds.slice(at, at + SWEEP_SIZE)));
  }
  const submitted = commands.map((command) => deps.unitOfWork.submit([command], { lane: 'background', signal }));
  const outcomes = (await Promise.all(submitted)).flat();
  return outcomes.reduce(
    (sum, outcome) => (outcome.ok && outcome.answer.kind === 'swept' ? sum + outcome.answer.count : sum),
    0,
  );
}

function sweepCommand(sweep: ClockSweep, reservationIds: readonly string[]): Command {
  return {
    name: sweep.name,
    caller: CLOCK_CALLER,
    claim: null,
    needs: { ...NO_NEEDS, ownRules: true, targets: reservationIds.map((id) => ({ by: 'reservation' as const, id })) },
    lineCount: reservationIds.length,
    trace: null,
    decide: (work) => decideSweep(work, sweep, reservationIds),
  };
}

function decideSweep(work: WorkingSet, { begin, decide }: ClockSweep, reservationIds: readonly string[]): Decision {
  begin?.(work);
  let count = 0;
  for (const id of reservationIds) {
    const found = work.find({ by: 'reservation', id });
    if (found !== null && decide(work, found)) count += 1;
  }
  return { answer: { kind: 'swept', count } };
}
