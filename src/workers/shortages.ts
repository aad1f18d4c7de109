import type { Shortages } from '../ports/shortages.ts';
import type { UnitOfWork } from '../ports.ts';
import { settleShortages } from '../use-cases/settle-shortages.ts';
import { type Loop, startLoop } from './loop.ts';

/** Pools settled in one step. */
const POOLS_MAX = 8;

/** Pause while nothing is left to settle, in milliseconds. */
const IDLE_PAUSE_MS = 1_000;

const BUSY_PAUSE_MS = 5;

export interface ShortageDeps {
  readonly shortages: Pick<Shortages, 'unsettled'>;
  readonly unitOfWork: UnitOfWork;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Goes on choosing the victims of shortages that are too large for one commit. */
export function startShortages(deps: ShortageDeps): Loop {
  return startLoop(async (signal) => {
    const pools = await deps.shortages.unsettled(POOLS_MAX);
    await settleShortages(deps, pools, signal);
    return pools.length > 0 ? BUSY_PAUSE_MS : IDLE_PAUSE_MS;
  }, deps);
}
