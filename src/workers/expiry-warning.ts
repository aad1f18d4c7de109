import type { DueReader } from '../ports/due-reader.ts';
import type { UnitOfWork } from '../ports.ts';
import { SWEEPS_READ_MAX } from '../use-cases/clock-sweep.ts';
import { warnExpiring } from '../use-cases/warn-expiring.ts';
import { type Loop, startLoop } from './loop.ts';

/** Pause while nothing is to be told, in milliseconds: each look walks over all deadlines within the longest warning. */
const IDLE_PAUSE_MS = 5_000;

const BUSY_PAUSE_MS = 5;

/** Pause before warnings that could not be decided are tried again, in milliseconds. */
const UNDECIDED_PAUSE_MS = 500;

export interface ExpiryWarningDeps {
  readonly due: Pick<DueReader, 'unwarnedReservations'>;
  readonly unitOfWork: UnitOfWork;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Tells once of each deadline that it is near, by the database's clock. */
export function startExpiryWarning(deps: ExpiryWarningDeps): Loop {
  return startLoop(async (signal) => {
    const ids = await deps.due.unwarnedReservations(SWEEPS_READ_MAX);
    if (ids.length === 0) return IDLE_PAUSE_MS;
    return (await warnExpiring(deps, ids, signal)) > 0 ? BUSY_PAUSE_MS : UNDECIDED_PAUSE_MS;
  }, deps);
}
