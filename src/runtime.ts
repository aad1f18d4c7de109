import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import type { Clock, Ids } from './ports.ts';

/** The real clock of this process. */
export const SYSTEM_CLOCK: Clock = { now: () => Date.now() };

/** Ids from the system's cryptographic source. */
export const SYSTEM_IDS: Ids = { uuid: () => v7(), randomBytes: (length) => randomBytes(length) };

/** Between 0 (included) and 1, for jitter only. */
export function systemRandom(): number {
  return Math.random();
}

/** Waits; rejects when the signal is aborted first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}
