import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const OWNER = fileURLToPath(new URL('./server-owner.ts', import.meta.url));

export interface OwnedServer {
  readonly owner: ChildProcess;
  readonly url: string;
  readonly pid: number;
}

type ServerKind = 'postgres' | 'nats';

/** Starts a process that starts a server. */
export function spawnOwner(kind: ServerKind, dataDir: string): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(process.execPath, [OWNER, kind, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Starts a server from a process of its own and waits until it is ready. */
export async function startOwnedServer(kind: ServerKind, dataDir: string): Promise<OwnedServer> {
  const owner = spawnOwner(kind, dataDir);
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  return { owner, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

/** Ends the owner as a crash would. */
export async function killOwner(owner: ChildProcess): Promise<void> {
  const exited = once(owner, 'exit');
  owner.kill('SIGKILL');
  await exited;
}

/** Whether the process runs; one that has ended but has not been waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
