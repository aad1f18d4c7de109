import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LOCK_FILE = 'lock';

/**
 * Takes the directory for this process alone. The lock names its owner by pid and start time, so one left behind by a
 * killed process is recognised, also when its pid has been given to another process since.
 * @returns a function that releases the lock; calling it again does nothing.
 * @throws Error with one sentence when a living process holds the lock.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, LOCK_FILE);
  const content = `${process.pid} ${startTimeOf(process.pid)} ${randomUUID()}\n`;
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    if (!tryLink(draft, path)) {
      removeIfStale(path, directory);
      if (!tryLink(draft, path)) throw inUse(directory, readOwner(path)?.pid);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (existsSync(path) && readFileSync(path, 'utf8') === content) rmSync(path, { force: true });
  };
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock aside before judging it for good: of two processes that see the same stale lock only one removes it. */
function removeIfStale(path: string, directory: string): void {
  const seen = readOwner(path);
  if (seen && isAlive(seen)) throw inUse(directory, seen.pid);
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved && isAlive(moved)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

interface LockOwner {
  readonly pid: number;
  readonly startTime: string;
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const [pid, startTime] = readFileSync(path, 'utf8').trim().split(' ');
    return pid && startTime ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startTimeOf(owner.pid) === owner.startTime;
}

/**
 * Boot id and start in clock ticks since boot; `ended` for a process that nobody has waited for yet; `unknown` where
 * /proc does not exist, then the pid alone decides.
 */
function startTimeOf(pid: number): string {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, in parentheses, may hold spaces; the start time is the 20th field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
    return `${bootId}/${fields[19]}`;
  } catch {
    return 'unknown';
  }
}

function inUse(directory: string, pid: number | undefined): Error {
  const owner = pid === undefined ? 'another process' : `process ${pid}`;
  return new Error(
    `The data directory ${directory} is in use by ${owner}: stop it, or choose another EARMARK_DATA_DIR.`,
  );
}
