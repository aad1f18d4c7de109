import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startTestNats } from './nats.ts';
import { createTestDatabase } from './postgres.ts';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const STDERR_KEPT_MAX = 2_000_000;

export interface TestServiceOptions {
  /** Defaults to a migrated database of its own. */
  readonly databaseUrl?: string;
  /** Defaults to a nats-server of its own. */
  readonly natsUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A real process of the service. */
export interface TestService {
  readonly pid: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly dataDir: string;
  /** Everything the process wrote to standard error so far. */
  stderr(): string;
  /** Settles with the exit code, or null for a signal. */
  readonly exited: Promise<number | null>;
  /** Asks the process to end and waits; answers its exit code. Frees what was made for it. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits. What was made for it stays until `stop`. */
  kill(): Promise<void>;
}

/** Starts `src/main.ts` as its own process, as `npm start` does, on the test run's real PostgreSQL and NATS. */
export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const frees: (() => Promise<unknown>)[] = [];
  const databaseUrl = options.databaseUrl ?? (await ownDatabase(frees));
  const natsUrl = options.natsUrl ?? (await ownNats(frees));
  const dataDir = await mkdtemp(join(tmpdir(), 'earmark-service-'));
  frees.push(() => rm(dataDir, { recursive: true, force: true }));
  const child = spawn(process.execPath, ['--import', './src/telemetry.ts', 'src/main.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATABASE_URL: databaseUrl,
      NATS_URL: natsUrl,
      EARMARK_DATA_DIR: dataDir,
      EARMARK_GRPC_PORT: '0',
      EARMARK_HTTP_PORT: '0',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = collect(child);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const free = async () => {
    for (const each of frees.splice(0).reverse()) await each();
  };
  try {
    const ready = await readyOf(child, exited, stderr);
    return {
      ...ready,
      databaseUrl,
      natsUrl,
      dataDir,
      stderr,
      exited,
      async stop() {
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        const code = await exited;
        clearTimeout(late);
        await free();
        return code;
      },
      async kill() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    await free();
    throw error;
  }
}

async function ownDatabase(frees: (() => Promise<unknown>)[]): Promise<string> {
  const database = await createTestDatabase('service');
  frees.push(() => database.drop());
  return database.url;
}

async function ownNats(frees: (() => Promise<unknown>)[]): Promise<string> {
  const nats = await startTestNats();
  frees.push(() => nats.stop());
  return nats.url;
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < STDERR_KEPT_MAX) text += chunk;
  });
  return () => text;
}

interface ReadyLine {
  readonly event: string;
  readonly pid: number;
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** Waits for the one line on standard output that says the process is ready. */
async function readyOf(child: ChildProcess, exited: Promise<number | null>, stderr: () => string): Promise<ReadyLine> {
  if (child.stdout === null) throw new TypeError('standard output is piped');
  const lines = createInterface({ input: child.stdout });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const timeout = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`not ready in time:\n${stderr()}`)), READY_TIMEOUT_MS).unref();
  });
  const gone = exited.then((code) => {
    throw new Error(`ended with ${code} before it was ready:\n${stderr()}`);
  });
  gone.catch(() => undefined);
  return JSON.parse(await Promise.race([line, timeout, gone])) as ReadyLine;
}
