import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const READY_MAX_MS = 60_000;
const STOP_MAX_MS = 30_000;

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

export interface ServiceSettings {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly otlpUrl: string;
  readonly dataDir: string;
  /** Arguments for Node itself, such as `--cpu-prof`. */
  readonly nodeArguments: readonly string[];
}

export interface ServiceProcess {
  readonly pid: number;
  readonly grpcPort: number;
  /** @throws Error where the service did not end well */
  stop(): Promise<void>;
}

/** Starts Earmark as `npm start` does, tracing to a receiver, with a database and a NATS of our own. */
export async function startService(settings: ServiceSettings): Promise<ServiceProcess> {
  // As `npm start` does.
  const command = ['--max-semi-space-size=64', '--import', './src/telemetry.ts', 'src/main.ts'];
  const child = spawn(process.execPath, [...settings.nodeArguments, ...command], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      EARMARK_GRPC_PORT: '0',
      EARMARK_HTTP_PORT: '0',
      EARMARK_SEED: 'none',
      EARMARK_LOG_LEVEL: 'warn',
      EARMARK_DATA_DIR: settings.dataDir,
      DATABASE_URL: settings.databaseUrl,
      NATS_URL: settings.natsUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: settings.otlpUrl,
    },
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line', { signal: AbortSignal.timeout(READY_MAX_MS) });
  const ended = exited.then(([code]) => {
    throw new Error(`the service ended with ${code} before it was ready`);
  });
  ended.catch(() => {});
  try {
    const [line] = await Promise.race([ready, ended]);
    const { grpcPort } = JSON.parse(String(line)) as { grpcPort: number };
    return { pid: child.pid ?? 0, grpcPort, stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
    const [code] = await exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the service ended with ${code}`);
  }
}
