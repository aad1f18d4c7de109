import { join } from 'node:path';
import { startEmbeddedNats } from '../adapters/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../adapters/embedded/postgres.ts';
import { type Config, ConfigError, readEnv, toConfig } from './config.ts';
import { readyLine, writeEndpoints } from './endpoints.ts';
import { createLogger, type Logger } from './log.ts';
import { startSample } from './sample.ts';
import { startService } from './service.ts';
import { shutdownTelemetry } from './telemetry.ts';

/** What was started, to be stopped in reverse order. */
type Stop = () => Promise<unknown>;

/** A whole stop may take this long, in milliseconds; after it the process ends whatever is left. */
const STOP_MAX_MS = 28_000;

const config = readConfig();
const logger = createLogger(config.logLevel);
const stops: Stop[] = [() => shutdownTelemetry()];
let stopping: Promise<void> | null = null;

process.on('SIGTERM', () => stop(0));
process.on('SIGINT', () => stop(0));

try {
  await start(config, logger);
} catch (error) {
  // What is taken away by a stop in the middle of a start fails it, which is no failure.
  if (stopping === null) reportFailedStart(error);
}

function reportFailedStart(error: unknown): void {
  logger.error('start-failed', { error });
  process.stderr.write(`Earmark could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  stop(1);
}

async function start({ database, nats, dataDir, ...settings }: Config, log: Logger): Promise<void> {
  const databaseUrl = database.kind === 'external' ? database.url : await embedded('postgres', startEmbeddedPostgres);
  const natsUrl =
    nats.kind === 'external'
      ? nats.url
      : await embedded('nats', (options) => startEmbeddedNats({ ...options, serverBin: settings.natsServerBin }));
  if (stopping !== null) return;
  const service = await startService({ databaseUrl, natsUrl, ...settings }, log);
  stops.push(() => service.stop());
  if (stopping !== null) return;
  const sample = settings.seed === 'none' ? null : await startSample(service, { natsUrl, dataDir });
  if (sample !== null) stops.push(() => sample.stop());
  const endpoints = {
    pid: process.pid,
    grpcPort: service.grpcPort,
    httpPort: service.httpPort,
    databaseUrl,
    natsUrl,
  };
  await writeEndpoints(dataDir, endpoints);
  process.stdout.write(`${readyLine(endpoints)}\n`);
  if (sample !== null) process.stderr.write(sample.welcome(endpoints));
}

/** Starts an embedded server; that it ends by itself is a failure of the whole process. */
async function embedded(name: string, launch: typeof startEmbeddedPostgres): Promise<string> {
  const server = await launch({
    dataDir: join(config.dataDir, name),
    port: 0,
    durable: true,
    log: (line) => logger.info('embedded', { server: name, line }),
  });
  stops.push(() => server.stop());
  void server.exited.then(() => {
    if (stopping !== null) return;
    logger.error('embedded-server-ended', { server: name });
    stop(1);
  });
  return server.url;
}

function stop(exitCode: number): void {
  stopping ??= stopAll(exitCode);
}

async function stopAll(exitCode: number): Promise<void> {
  setTimeout(() => process.exit(1), STOP_MAX_MS).unref();
  for (const each of stops.reverse()) {
    await each().catch((error: unknown) => logger.error('stop-failed', { error }));
  }
  process.exit(exitCode);
}

function readConfig(): Config {
  try {
    return toConfig(readEnv());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
