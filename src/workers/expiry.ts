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

/**
 * Of how many due reservations a sweep takes some at random where very many are due: processes that all took the
 * oldest would do the same work side by side.
 */
const CROWD = 4_096;

export interface ExpiryDeps {
  readonly due: Omit<DueReader, 'unwarnedReservations'>;
  readonly unitOfWork: UnitOfWork;
  /** Between 0 (included) and 1. */
  readonly random: () => number;
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
  let isCrowded = false;
  return startLoop(async (signal) => {
    const passedOver = isCrowded ? Math.floor(deps.random() * (CROWD - SWEEPS_READ_MAX)) : 0;
    const due = await deps.due.dueReservations(SWEEPS_READ_MAX, passedOver);
    isCrowded = due.length === SWEEPS_READ_MAX;
    if (due.length === 0 && passedOver > 0) return SLEEP_MIN_MS;
    const late = [...due, ...(await deps.due.overdueReservations(SWEEPS_READ_MAX))];
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
