import type { DueReader } from '../ports/due-reader.ts';
import type { UnitOfWork } from '../ports.ts';
import { SWEEPS_READ_MAX } from '../use-cases/clock-sweep.ts';
import { expireDue } from '../use-cases/expire-due.ts';
import { type Loop, startLoop } from './loop.ts';

/** The longest the worker sleeps, in milliseconds: a deadline set by another process is found within this time. */
const SLEEP_MAX_MS = 1_000;

/** The shortest pause between two sweeps, in milliseconds. */
const SLEEP_MIN_MS = 5;

/** Pause before a sweep that could not be decided is tried again, in milliseconds. */
const UNDECIDED_PAUSE_MS = 100;

export interface ExpiryDeps {
  readonly due: Omit<DueReader, 'unwarnedReservations'>;
  readonly unitOfWork: UnitOfWork;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told how late each swept reservation was, in milliseconds after its deadline. */
  readonly onSwept: (latenessesMs: readonly number[]) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Frees what is past its deadline, whether or not anyone asks for the SKU. Sleeps until the next deadline, but never
 * longer than a second; never frees early, since the deadline is checked again under the lock by the database's clock.
 */
export function startExpiry(deps: ExpiryDeps): Loop {
  return startLoop(async (signal) => {
    const late = [
      ...(await deps.due.dueReservations(SWEEPS_READ_MAX)),
      ...(await deps.due.overdueReservations(SWEEPS_READ_MAX)),
    ];
    const ids = late.map((one) => one.reservationId);
    if (ids.length > 0) {
      const swept = await expireDue(deps, ids, signal);
      if (swept > 0) deps.onSwept(late.map((one) => one.lateMs));
      return swept > 0 ? SLEEP_MIN_MS : UNDECIDED_PAUSE_MS;
    }
    const next = await deps.due.nextDeadlineInMs();
    return Math.max(SLEEP_MIN_MS, Math.min(SLEEP_MAX_MS, next ?? SLEEP_MAX_MS));
  }, deps);
}
