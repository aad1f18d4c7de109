import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_INTERVAL_MS = 25;

/**
 * Pids of the processes whose working directory is `directory`. The embedded servers run in their data directory, so
 * this finds them and their children without trusting a pid file, whose pid may belong to another process by now.
 * Empty where /proc does not exist.
 */
export function findProcessesIn(directory: string): number[] {
  const wanted = realpathSync(directory);
  return listPids().filter((pid) => workingDirectoryOf(pid) === wanted);
}

/**
 * Waits until no process runs in `directory` any more.
 * @returns false when `timeoutMs` has passed and one still does.
 */
export async function waitUntilNoProcessIn(directory: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (findProcessesIn(directory).length > 0) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_INTERVAL_MS);
  }
  return true;
}

function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  } catch {
    return [];
  }
}

function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
