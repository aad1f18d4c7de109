import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { startGuardedProcess } from './guarded-process.ts';
import { findProcessesIn, waitUntilNoProcessIn } from './processes-in-directory.ts';
import { openServerLog, readServerLog, summarizeLog } from './server-log.ts';
import type { ServerUser } from './server-user.ts';

export const POSTGRES_ROLE = 'earmark';
export const POSTGRES_DATABASE = 'earmark';

const PREDECESSOR_TIMEOUT_MS = 10_000;

/** The only way in: by password, over loopback. */
const HOST_BASED_AUTHENTICATION = 'host all all 127.0.0.1/32 scram-sha-256\n';

const SERVER_ENVIRONMENT = { LC_ALL: 'C', PATH: '/usr/bin:/bin' };

export interface ClusterOptions {
  readonly user: ServerUser | undefined;
  readonly binaries: string;
  readonly cluster: string;
  readonly logFile: string;
  readonly password: string;
  readonly durable: boolean;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
}

/** Whether `cluster` has been created completely. */
export function isPostgresCluster(cluster: string): boolean {
  return existsSync(join(cluster, 'PG_VERSION'));
}

/**
 * Creates the cluster with its role and database, beside its final place, and moves it there when complete. No server
 * listens meanwhile.
 * @throws Error with the end of the log when a step fails or the deadline passes.
 */
export async function createPostgresCluster(options: ClusterOptions): Promise<void> {
  const draft = `${options.cluster}.new`;
  await waitUntilAbandoned(draft);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (options.user) chownSync(draft, options.user.uid, options.user.gid);
  await run(options, draft, 'initdb', [
    ...['-D', '/proc/self/cwd', '-U', POSTGRES_ROLE, '--auth=trust', '--encoding=UTF8', '--locale=C'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
    ...(options.durable ? [] : ['--no-sync']),
  ]);
  const statements = [
    `alter role ${POSTGRES_ROLE} password '${options.password}'`,
    `create database ${POSTGRES_DATABASE}`,
  ];
  await run(
    options,
    draft,
    'postgres',
    ['--single', '-D', '/proc/self/cwd', '-c', 'exit_on_error=on', ...(options.durable ? [] : ['-F']), 'postgres'],
    `${statements.join(';\n')};\n`,
  );
  writeFileSync(join(draft, 'pg_hba.conf'), HOST_BASED_AUTHENTICATION, { flush: true });
  renameSync(draft, options.cluster);
  syncDirectory(dirname(options.cluster));
}

/** An attempt whose owner was killed may still be ending. */
async function waitUntilAbandoned(draft: string): Promise<void> {
  for (const program of ['initdb', 'postgres']) {
    if (!(await waitUntilNoProcessIn(draft, program, PREDECESSOR_TIMEOUT_MS))) {
      throw new Error(
        `${program} is still running in ${draft}: stop process ${findProcessesIn(draft, program).join(', ')}.`,
      );
    }
  }
}

async function run(
  options: ClusterOptions,
  cwd: string,
  program: string,
  args: readonly string[],
  input?: string,
): Promise<void> {
  const outputFd = openServerLog(options.logFile);
  const logStart = statSync(options.logFile).size;
  try {
    const started = await startGuardedProcess({
      command: join(options.binaries, 'bin', program),
      args,
      cwd,
      env: SERVER_ENVIRONMENT,
      outputFd,
      shutdownSignal: 'SIGTERM',
      user: options.user,
      ...(input === undefined ? {} : { input }),
    });
    // A timer may fire a little before its time by the clock, so what it did is remembered and not measured.
    let isOverdue = false;
    const end = () => {
      isOverdue = true;
      started.kill();
    };
    const overdue = setTimeout(end, Math.max(0, options.deadline - performance.now()));
    const code = await started.exited;
    clearTimeout(overdue);
    if (code === 0) return;
    if (isOverdue) throw new Error(`${program} was not done in time.`);
    throw new Error(`${program} failed: ${summarizeLog(readServerLog(options.logFile, logStart))}`);
  } finally {
    closeSync(outputFd);
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
