import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_INTERVAL_MS = 25;

/** Linux keeps the first 15 bytes of a program's name. */
const PROGRAM_NAME_BYTES = 15;

/**
 * Pids of the processes of `program` (a file name) whose working directory is `directory`. The embedded servers run in
 * their data directory, so this finds them and their children without trusting a pid file, whose pid may belong to
 * another process by now. Empty where /proc does not exist.
 */
export function findProcessesIn(directory: string, program: string): number[] {
  if (!existsSync(directory)) return [];
  const wanted = realpathSync(directory);
  const name = Buffer.from(program).subarray(0, PROGRAM_NAME_BYTES).toString();
  return listPids().filter((pid) => workingDirectoryOf(pid) === wanted && programNameOf(pid) === name);
}

/**
 * Waits until no process of `program` runs in `directory` any more.
 * @returns false when `timeoutMs` has passed and one still does.
 */
export async function waitUntilNoProcessIn(directory: string, program: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (findProcessesIn(directory, program).length > 0) {
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

function programNameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}
