import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDirectory } from './directory-lock.ts';
import type { EmbeddedServer } from './embedded-server.ts';
import { type GuardedProcess, startGuardedProcess } from './guarded-process.ts';
import { chooseLoopbackPort } from './loopback-port.ts';
import { findNatsBinary } from './nats-binary.ts';
import { readNatsServerName } from './nats-greeting.ts';
import { findProcessesIn, waitUntilNoProcessIn } from './processes-in-directory.ts';
import { openServerLog, readServerLog, summarizeLog } from './server-log.ts';
import { readOrCreatePassword } from './stored-password.ts';

const DEFAULT_START_TIMEOUT_MS = 30_000;
const PREDECESSOR_TIMEOUT_MS = 10_000;
const SHUTDOWN_DEADLINE_MS = 10_000;
const READY_POLL_INTERVAL_MS = 10;
const GREETING_TIMEOUT_MS = 1_000;
const PORT_COLLISION_ATTEMPTS = 5;
const MAX_FILE_STORE_BYTES = 10 * 1024 ** 3;
const MAX_MEMORY_STORE_BYTES = 64 * 1024 ** 2;
const MAX_LOG_BYTES = 10 * 1024 ** 2;
const MAX_LOG_FILES = 2;
const LOG_FILE = 'nats-server.log';
const NATS_USER = 'earmark';

export interface EmbeddedNatsOptions {
  /** The directory of this server alone; created when absent. */
  readonly dataDir: string;
  /** A TCP port on 127.0.0.1; 0 takes the port of the last run while it is free, else any free one. */
  readonly port: number;
  /** Whether an acknowledged message survives a power failure; false is for tests. */
  readonly durable: boolean;
  /** The nats-server program, as NATS_SERVER_BIN names it; the one of the npm package when absent or empty. */
  readonly serverBin?: string | undefined;
  readonly log?: (line: string) => void;
  /** Time allowed from the call to readiness, in milliseconds; 30,000 when absent. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts nats-server with JetStream on 127.0.0.1 behind a random password, its streams kept in `dataDir`.
 * @throws Error with one sentence when there is no program for this platform, the directory or the port is in use, or
 * the server is not ready in time.
 */
export async function startEmbeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedServer> {
  const binary = findNatsBinary(options.serverBin);
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const release = lockDirectory(dataDir);
  try {
    const deadline = performance.now() + (options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS);
    const program = basename(binary);
    if (findProcessesIn(dataDir, program).length > 0) options.log?.('waiting for the previous nats-server to end');
    if (!(await waitUntilNoProcessIn(dataDir, program, PREDECESSOR_TIMEOUT_MS))) {
      const pids = findProcessesIn(dataDir, program);
      throw new Error(`A nats-server is still running in ${dataDir}: stop process ${pids.join(', ')}.`);
    }
    return await startLocked({ ...options, dataDir }, { binary, deadline, release });
  } catch (error) {
    release();
    throw error;
  }
}

interface Surroundings {
  readonly binary: string;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  readonly release: () => void;
}

async function startLocked(options: EmbeddedNatsOptions, around: Surroundings): Promise<EmbeddedServer> {
  const password = readOrCreatePassword(join(options.dataDir, 'password'));
  for (let attempt = 1; ; attempt += 1) {
    const port = await chooseLoopbackPort(options.port, join(options.dataDir, 'port'));
    const serverName = `earmark-${randomUUID()}`;
    const config = formatConfig({ port, serverName, password, dataDir: options.dataDir, durable: options.durable });
    writeFileSync(join(options.dataDir, 'nats-server.conf'), config, { mode: 0o600 });
    const started = await tryStart(options.dataDir, { ...around, port, serverName });
    if (started.state === 'ready') {
      options.log?.(`nats-server is ready on 127.0.0.1:${port}`);
      return toServer(`nats://${NATS_USER}:${password}@127.0.0.1:${port}`, started.server, around.release);
    }
    if (started.state === 'late') throw new Error(`nats-server was not ready in time (log in ${options.dataDir}).`);
    const isCollision = /address already in use/.test(started.log);
    if (!isCollision || options.port !== 0 || attempt === PORT_COLLISION_ATTEMPTS) {
      throw new Error(`nats-server did not start (log in ${options.dataDir}): ${summarizeLog(started.log)}`);
    }
  }
}

interface ConfigValues {
  readonly port: number;
  readonly serverName: string;
  readonly password: string;
  readonly dataDir: string;
  readonly durable: boolean;
}

function formatConfig(values: ConfigValues): string {
  const lines = [
    `server_name: ${values.serverName}`,
    `listen: "127.0.0.1:${values.port}"`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(values.dataDir)}`,
    `  max_file_store: ${MAX_FILE_STORE_BYTES}`,
    `  max_memory_store: ${MAX_MEMORY_STORE_BYTES}`,
    ...(values.durable ? ['  sync_interval: always'] : []),
    '}',
    `log_file: ${JSON.stringify(join(values.dataDir, LOG_FILE))}`,
    `logfile_size_limit: ${MAX_LOG_BYTES}`,
    `logfile_max_num: ${MAX_LOG_FILES}`,
    `authorization { user: ${NATS_USER}, password: "${values.password}" }`,
  ];
  return `${lines.join('\n')}\n`;
}

type StartOutcome =
  | { readonly state: 'ready'; readonly server: GuardedProcess }
  | { readonly state: 'late' }
  | { readonly state: 'failed'; readonly log: string };

interface Launch extends Surroundings {
  readonly port: number;
  readonly serverName: string;
}

async function tryStart(dataDir: string, launch: Launch): Promise<StartOutcome> {
  const logFile = join(dataDir, LOG_FILE);
  const outputFd = openServerLog(logFile);
  const logStart = statSync(logFile).size;
  try {
    const server = await startGuardedProcess({
      command: launch.binary,
      args: ['--config', join(dataDir, 'nats-server.conf')],
      cwd: dataDir,
      env: { PATH: '/usr/bin:/bin' },
      outputFd,
      shutdownSignal: 'SIGTERM',
    });
    if (await waitUntilReady(server, launch)) return { state: 'ready', server };
    if (!server.hasExited()) {
      await server.stop(0);
      return { state: 'late' };
    }
    return { state: 'failed', log: readServerLog(logFile, logStart) };
  } finally {
    closeSync(outputFd);
  }
}

async function waitUntilReady(server: GuardedProcess, launch: Launch): Promise<boolean> {
  while (performance.now() < launch.deadline && !server.hasExited()) {
    // Another server that took the port in between greets with another name.
    if ((await readNatsServerName(launch.port, GREETING_TIMEOUT_MS)) === launch.serverName) return true;
    await sleep(READY_POLL_INTERVAL_MS);
  }
  return false;
}

function toServer(url: string, server: GuardedProcess, release: () => void): EmbeddedServer {
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
      server.kill();
      release();
    },
  };
}
