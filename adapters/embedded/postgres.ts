import { closeSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDirectory } from './directory-lock.ts';
import type { EmbeddedServer } from './embedded-server.ts';
import { type GuardedProcess, startGuardedProcess } from './guarded-process.ts';
import { chooseLoopbackPort } from './loopback-port.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { createPostgresCluster, isPostgresCluster, POSTGRES_DATABASE, POSTGRES_ROLE } from './postgres-cluster.ts';
import { readPostmasterPid, removeStalePostmasterPid } from './postmaster-pid.ts';
import { findProcessesIn, waitUntilNoProcessIn } from './processes-in-directory.ts';
import { openServerLog, readServerLog, summarizeLog } from './server-log.ts';
import { findOwner, findServerUser, type ServerUser } from './server-user.ts';
import { readOrCreatePassword } from './stored-password.ts';

const DEFAULT_START_TIMEOUT_MS = 60_000;
const PREDECESSOR_TIMEOUT_MS = 10_000;
const SHUTDOWN_DEADLINE_MS = 10_000;
const READY_POLL_INTERVAL_MS = 10;
const PORT_COLLISION_ATTEMPTS = 5;

export interface EmbeddedPostgresOptions {
  /** The directory of this server alone; created when absent. */
  readonly dataDir: string;
  /** A TCP port on 127.0.0.1; 0 takes the port of the last run while it is free, else any free one. */
  readonly port: number;
  /** Whether commits survive a power failure; false is for tests. */
  readonly durable: boolean;
  readonly log?: (line: string) => void;
  /** Time allowed from the call to readiness, in milliseconds; 60,000 when absent. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts the PostgreSQL 18 that came with npm, with a database `earmark`, on 127.0.0.1 behind a random password.
 * Creates the cluster at the first start; later starts recover whatever the last one left. Only Linux.
 * @throws Error with one sentence when there is no package for this platform, the directory or the port is in use,
 * or the server is not ready in time.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedServer> {
  const user = findServerUser();
  const binaries = findPostgresBinaries(user);
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const release = lockDirectory(dataDir);
  try {
    return await startLocked({ ...options, dataDir }, { user, binaries, release });
  } catch (error) {
    release();
    throw error;
  }
}

interface Surroundings {
  readonly user: ServerUser | undefined;
  readonly binaries: string;
  readonly release: () => void;
}

async function startLocked(options: EmbeddedPostgresOptions, around: Surroundings): Promise<EmbeddedServer> {
  const deadline = performance.now() + (options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS);
  const cluster = join(options.dataDir, 'data');
  const logFile = join(options.dataDir, 'postgres.log');
  const passwordFile = join(options.dataDir, 'password');
  if (isPostgresCluster(cluster) && !existsSync(passwordFile)) {
    throw new Error(`The password of ${cluster} is missing: restore ${passwordFile}, or remove ${options.dataDir}.`);
  }
  const password = readOrCreatePassword(passwordFile);
  if (!isPostgresCluster(cluster)) {
    options.log?.(`creating a PostgreSQL cluster in ${cluster}`);
    await createPostgresCluster({ ...around, cluster, logFile, password, durable: options.durable, deadline });
  }
  const user = around.user && findOwner(cluster);
  await waitForPredecessor(cluster, options.log);
  for (let attempt = 1; ; attempt += 1) {
    const port = await chooseLoopbackPort(options.port, join(options.dataDir, 'port'));
    const started = await tryStart({ ...around, user, cluster, logFile, port, durable: options.durable, deadline });
    if (started.state === 'ready') {
      options.log?.(`PostgreSQL is ready on 127.0.0.1:${port}`);
      const url = `postgres://${POSTGRES_ROLE}:${password}@127.0.0.1:${port}/${POSTGRES_DATABASE}`;
      return toServer(url, started.server, cluster, around.release);
    }
    if (started.state === 'late') throw new Error(`PostgreSQL was not ready in time (log in ${logFile}).`);
    const isCollision = /Address already in use/.test(started.log);
    if (!isCollision || options.port !== 0 || attempt === PORT_COLLISION_ATTEMPTS) {
      throw new Error(`PostgreSQL did not start (log in ${logFile}): ${summarizeLog(started.log)}`);
    }
  }
}

/** A killed owner's server may still be shutting down. */
async function waitForPredecessor(cluster: string, log: EmbeddedPostgresOptions['log']): Promise<void> {
  if (findProcessesIn(cluster, 'postgres').length > 0) log?.('waiting for the previous PostgreSQL to end');
  if (!(await waitUntilNoProcessIn(cluster, 'postgres', PREDECESSOR_TIMEOUT_MS))) {
    const pids = findProcessesIn(cluster, 'postgres');
    throw new Error(`A PostgreSQL server is still running in ${cluster}: stop process ${pids.join(', ')}.`);
  }
  removeStalePostmasterPid(cluster);
}

interface Launch extends Surroundings {
  readonly cluster: string;
  readonly logFile: string;
  readonly port: number;
  readonly durable: boolean;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
}

type StartOutcome =
  | { readonly state: 'ready'; readonly server: GuardedProcess }
  | { readonly state: 'late' }
  | { readonly state: 'failed'; readonly log: string };

async function tryStart(launch: Launch): Promise<StartOutcome> {
  const outputFd = openServerLog(launch.logFile);
  const logStart = statSync(launch.logFile).size;
  try {
    const server = await startGuardedProcess({
      command: join(launch.binaries, 'bin', 'postgres'),
      // The working directory, by a path that holds even where `user` may not pass its parents.
      args: ['-D', '/proc/self/cwd', ...settings(launch).flatMap((setting) => ['-c', setting])],
      cwd: launch.cluster,
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      outputFd,
      shutdownSignal: 'SIGINT',
      user: launch.user,
    });
    if (await waitUntilReady(server, launch)) return { state: 'ready', server };
    if (!server.hasExited()) {
      await server.stop(0);
      return { state: 'late' };
    }
    return { state: 'failed', log: readServerLog(launch.logFile, logStart) };
  } finally {
    closeSync(outputFd);
  }
}

function settings(launch: Launch): string[] {
  const safety = launch.durable ? 'on' : 'off';
  return [
    'listen_addresses=127.0.0.1',
    `port=${launch.port}`,
    'unix_socket_directories=',
    'cluster_name=earmark',
    'max_connections=100',
    'shared_buffers=128MB',
    'timezone=UTC',
    'log_timezone=UTC',
    `fsync=${safety}`,
    `synchronous_commit=${safety}`,
    `full_page_writes=${safety}`,
    // Failed statements are the caller's to report; here they could carry personal data and fill the disk.
    'log_min_messages=log',
    'log_checkpoints=off',
  ];
}

async function waitUntilReady(server: GuardedProcess, launch: Launch): Promise<boolean> {
  while (performance.now() < launch.deadline && !server.hasExited()) {
    const pidFile = readPostmasterPid(launch.cluster);
    if (pidFile?.pid === server.pid && pidFile.isReady) return true;
    await sleep(READY_POLL_INTERVAL_MS);
  }
  return false;
}

function toServer(url: string, server: GuardedProcess, cluster: string, release: () => void): EmbeddedServer {
  const exited = server.exited.then(release);
  return {
    url,
    pid: server.pid,
    exited,
    stop: async () => {
      await server.stop(SHUTDOWN_DEADLINE_MS);
      await exited;
    },
    kill: () => {
      killAll(server, cluster);
      release();
    },
  };
}

/** Backends are in sessions of their own; the postmaster is stopped first so that it cannot start another meanwhile. */
function killAll(server: GuardedProcess, cluster: string): void {
  if (server.hasExited()) return;
  signal(server.pid, 'SIGSTOP');
  for (const pid of findProcessesIn(cluster, 'postgres')) signal(pid, 'SIGKILL');
  server.kill();
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
