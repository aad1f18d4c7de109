import type { WaitlistReader } from '../ports/waitlist-reader.ts';
import type { UnitOfWork } from '../ports.ts';
import { promoteQueues } from '../use-cases/promote-queues.ts';
import { type Loop, startLoop } from './loop.ts';

/** SKUs looked at in one step. */
const SKUS_PER_STEP = 50;

/** Pause after a round in which nobody was served, in milliseconds. */
const IDLE_PAUSE_MS = 1_000;

/** Pause while there is more to serve, in milliseconds. */
const BUSY_PAUSE_MS = 5;

export interface WaitlistDeps {
  readonly waitlist: Pick<WaitlistReader, 'servableSkus'>;
  readonly unitOfWork: UnitOfWork;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Serves what no commit has served: queues longer than one unit takes, and stock that came within reach without moving,
 * as in a warehouse that was switched on. Goes round all SKUs that wait, so that one nobody can be served from keeps no
 * other from its turn.
 */
export function startWaitlist(deps: WaitlistDeps): Loop {
  let after = '';
  return startLoop(async (signal) => {
    const skus = await deps.waitlist.servableSkus(after, SKUS_PER_STEP);
    const served = skus.length === 0 ? 0 : await promoteQueues(deps, skus, signal);
    // Where some were served there may be more of the same.
    if (served > 0) return BUSY_PAUSE_MS;
    after = skus.length < SKUS_PER_STEP ? '' : (skus.at(-1) ?? '');
    return IDLE_PAUSE_MS;
  }, deps);
}
