import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for a time in milliseconds, or until the signal: the caller looks at the signal and goes on.
 * @param ref whether the wait keeps the process alive
 */
export async function pause(ms: number, signal: AbortSignal, ref = true): Promise<void> {
  // The signal is the only thing that can end the timer early.
  await sleep(ms, undefined, { signal, ref }).catch(() => undefined);
}
