import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What postmaster.pid says: its first line is the pid, its eighth the state. */
export interface PostmasterPid {
  readonly pid: number;
  readonly isReady: boolean;
}

/** Undefined when there is no such file, or it is being written. */
export function readPostmasterPid(cluster: string): PostmasterPid | undefined {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), isReady: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
}

/**
 * Removes the file a killed server left if its pid now belongs to a process that does not run in the cluster: there
 * PostgreSQL would refuse to start, which happens after a container restart. Any other file PostgreSQL judges itself.
 * The caller holds the lock of the directory and has seen that no process runs in the cluster.
 */
export function removeStalePostmasterPid(cluster: string): void {
  const left = readPostmasterPid(cluster);
  if (left && isAlive(left.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
