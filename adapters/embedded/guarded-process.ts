import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerUser } from './server-user.ts';

/** How long a server may take to shut down after its owner died, in tenths of a second, before SIGQUIT. */
const ORPHAN_SHUTDOWN_TENTHS = 30;

/**
 * Runs in `sh`: a watcher reads the pipe on fd 3, which reaches its end when the owner dies, however it dies, and then
 * ends the server. `exec` makes the server keep the pid of the shell. The watcher is forked twice, so the server never
 * sees it as a child of its own, and leaves the working directory, which marks the processes of the server.
 * It looks at the server often, so that it cannot signal a process that got the same pid later; a zombie, which has no
 * exe any more, counts as gone.
 */
const GUARD_SCRIPT = `
signal=$1; shift
watch() {
  cd /; exec >/dev/null 2>&1
  cat <&3
  kill -"$signal" $$
  tenths=0
  while kill -0 $$ && { [ ! -d /proc/$$ ] || [ -e /proc/$$/exe ]; }; do
    [ $tenths -lt ${ORPHAN_SHUTDOWN_TENTHS} ] || { kill -QUIT $$; exit; }
    sleep 0.1; tenths=$((tenths + 1))
  done
}
( watch & )
exec "$@" 3<&-
`;

export interface GuardedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** File descriptor that receives standard output and standard error. */
  readonly outputFd: number;
  /** The signal that asks the server for a fast, clean shutdown. */
  readonly shutdownSignal: 'SIGINT' | 'SIGTERM';
  /** Text for standard input; none when absent. */
  readonly input?: string;
  /** The account to run as; the own one when absent. */
  readonly user?: ServerUser | undefined;
}

/** A server process that cannot outlive this process, and that Ctrl-C reaches only through us. */
export interface GuardedProcess {
  readonly pid: number;
  /** The exit code, null after a signal; never rejects. */
  readonly exited: Promise<number | null>;
  hasExited(): boolean;
  /** Asks for a clean shutdown, and kills after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
  /** Sends SIGKILL at once. */
  kill(): void;
}

/**
 * Starts a server under guard.
 * @throws Error when the process cannot be created.
 */
export async function startGuardedProcess(options: GuardedProcessOptions): Promise<GuardedProcess> {
  const child = spawn(
    '/bin/sh',
    ['-c', GUARD_SCRIPT, 'sh', options.shutdownSignal.slice(3), options.command, ...options.args],
    {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', options.outputFd, options.outputFd, 'pipe'],
      detached: true,
      ...(options.user ? { uid: options.user.uid, gid: options.user.gid } : {}),
    },
  );
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      endGroup(child);
      resolve(code);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  letOwnerEnd(child);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);
  const pid = child.pid as number;
  return {
    pid,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    stop: async (deadlineMs) => {
      child.ref();
      child.kill(options.shutdownSignal);
      const deadline = new AbortController();
      const forced = sleep(deadlineMs, undefined, { signal: deadline.signal }).then(
        () => child.kill('SIGKILL'),
        () => false,
      );
      await exited;
      deadline.abort();
      await forced;
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** The watcher shares the group of the server; with the server gone it must not signal a pid that may be reused. */
function endGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // The group is empty: the watcher has ended by itself.
  }
}

/** A running server alone must not keep the event loop of its owner alive. */
function letOwnerEnd(child: ChildProcess): void {
  child.unref();
  const pipe = child.stdio[3] as unknown as { unref(): void; on(event: 'error', listener: () => void): void };
  pipe.on('error', () => undefined);
  pipe.unref();
}
