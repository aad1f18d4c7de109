/** A worker that runs until it is stopped. */
export interface Loop {
  /** Lets the step in hand finish. */
  stop(): Promise<void>;
}

/** Pause after a failed step, in milliseconds. */
const FAILURE_PAUSE_MS = 500;

interface LoopDeps {
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Repeats a step until stopped. The step answers how long to pause before the next, in milliseconds; a step that
 * throws is reported and repeated after a pause, so that a worker outlives any trouble.
 */
export function startLoop(step: (signal: AbortSignal) => Promise<number>, deps: LoopDeps): Loop {
  const stopping = new AbortController();
  const running = run(step, deps, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function run(step: (signal: AbortSignal) => Promise<number>, deps: LoopDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let pauseMs = FAILURE_PAUSE_MS;
    try {
      pauseMs = await step(signal);
    } catch (error) {
      if (!signal.aborted) deps.onFailure(error);
    }
    await deps.pause(pauseMs, signal).catch(() => undefined);
  }
}
