import { randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import type { Clock, Ids } from './ports.ts';

/** The real clock of this process. */
export const SYSTEM_CLOCK: Clock = { now: () => Date.now() };

/** Random bytes are drawn this many at a time: one draw costs about as much as thousands of bytes. */
const RANDOM_POOL_BYTES = 4_096;

/** Ids from the system's cryptographic source. */
export const SYSTEM_IDS: Ids = { uuid: () => v7(), randomBytes: pooledRandomBytes() };

/** No byte is given out twice. @throws RangeError for more than a pool at once */
function pooledRandomBytes(): (length: number) => Uint8Array {
  const pool = Buffer.alloc(RANDOM_POOL_BYTES);
  let used = RANDOM_POOL_BYTES;
  return (length) => {
    if (length > RANDOM_POOL_BYTES) throw new RangeError(`at most ${RANDOM_POOL_BYTES} random bytes at once`);
    if (used + length > RANDOM_POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const bytes = new Uint8Array(pool.subarray(used, used + length));
    used += length;
    return bytes;
  };
}

/** Between 0 (included) and 1, for jitter only. */
export function systemRandom(): number {
  return Math.random();
}

/** Waits; rejects when the signal is aborted first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}
