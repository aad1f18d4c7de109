import type { Checkpoint, CheckpointLease, Checkpoints } from '../ports/checkpoints.ts';
import { type Loop, startLoop } from './loop.ts';

/** Time between checkpoints, in milliseconds; an event is covered after twice that at most, unless one lags behind. */
export const CHECKPOINT_PAUSE_MS = 30_000;

/** Pause while events wait that one checkpoint could not cover, in milliseconds: calls come first. */
const MORE_PAUSE_MS = 250;

export interface CheckpointerDeps {
  readonly checkpoints: Checkpoints;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each checkpoint once it is stored, to publish it outside the database. */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Covers the audit events by Merkle checkpoints for as long as this process leads. */
export function startCheckpointer(deps: CheckpointerDeps): Loop {
  let lease: CheckpointLease | null = null;
  const loop = startLoop(async () => {
    lease ??= await deps.checkpoints.lead();
    if (lease === null) return CHECKPOINT_PAUSE_MS;
    try {
      const made = await lease.extend();
      if (made === null) return CHECKPOINT_PAUSE_MS;
      deps.onCheckpoint(made.checkpoint);
      return made.isMore ? MORE_PAUSE_MS : CHECKPOINT_PAUSE_MS;
    } catch (error) {
      // What the lease remembers may not be what is stored: the next one reads it again.
      await lease.release();
      lease = null;
      throw error;
    }
  }, deps);
  return {
    async stop() {
      await loop.stop();
      await lease?.release();
      lease = null;
    },
  };
}
