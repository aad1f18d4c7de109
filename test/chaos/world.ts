import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { chooseLoopbackPort } from '../../adapters/embedded/loopback-port.ts';
import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { findProcessesIn } from '../../adapters/embedded/processes-in-directory.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { openRpcClient } from './rpc-client.ts';
import { startKillableSimulator } from './simulator-process.ts';
import { stockUp, WMS } from './stock.ts';

const SERVICES = 2;
const GONE_DEADLINE_MS = 10_000;
const GONE_POLL_MS = 50;

/** The simulated warehouse answers quickly, so that faults meet it at work. */
const SIMULATOR_DELAYS = { startDelayMs: 300, pickDelayMs: 300, shipDelayMs: 600 } as const;

/** Real processes: two of the service, PostgreSQL with fsync, nats-server and a simulated warehouse. */
export interface World {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** gRPC addresses, the same over every restart. */
  readonly targets: readonly string[];
  readonly postgres: ServerSlot;
  readonly nats: ServerSlot & {
    /** Loses everything that was stored, while the server is down. */
    wipe(): void;
  };
  readonly services: readonly ServiceSlot[];
  readonly simulator: SimulatorSlot;
  /** Everything the processes of the service have written to standard error. */
  serviceLogs(): string;
  /** Ends everything; answers the processes of this world that would not end. */
  stop(): Promise<number[]>;
}

interface Slot {
  /** SIGKILL at once. */
  kill(): Promise<void>;
  /** Starts it again on the same data and the same port. */
  start(): Promise<void>;
}

export type ServerSlot = Slot;

export interface ServiceSlot extends Slot {
  readonly pid: number;
}

export type SimulatorSlot = Slot;

export async function startWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-chaos-'));
  // The account PostgreSQL runs under passes through here.
  chmodSync(directory, 0o755);
  const pids = new Set<number>();
  const stops: (() => Promise<unknown>)[] = [];
  const logs: (() => string)[] = [];
  // Should this process end before it has stopped its world, nothing of it stays behind.
  const killAll = () => {
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', killAll);
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
    const left = await waitUntilGone(() => [
      ...[...pids].filter(isRunning),
      ...findProcessesIn(join(directory, 'postgres', 'data'), 'postgres'),
    ]);
    process.off('exit', killAll);
    rmSync(directory, { recursive: true, force: true });
    return left;
  };
  try {
    const postgres = await keepServer(startEmbeddedPostgres, join(directory, 'postgres'), pids, stops);
    const nats = await keepServer(startEmbeddedNats, join(directory, 'nats'), pids, stops);
    const ports: number[] = [];
    while (ports.length < SERVICES) ports.push(await chooseLoopbackPort(0, join(directory, `port-${ports.length}`)));
    const services: ServiceSlot[] = [];
    for (const port of ports) {
      const urls = { databaseUrl: postgres.url, natsUrl: nats.url };
      services.push(await keepService({ ...urls, port, logs }, pids, stops));
    }
    const targets = ports.map((port) => `127.0.0.1:${port}`);
    const client = openRpcClient(targets[0] ?? '');
    await stockUp(client);
    client.close();
    const store = join(directory, 'nats', 'jetstream');
    const wipe = () => rmSync(store, { recursive: true });
    const simulator = await keepSimulator(nats.url, join(directory, 'simulator'), pids, stops);
    const serviceLogs = () => logs.map((log) => log()).join('');
    return {
      databaseUrl: postgres.url,
      natsUrl: nats.url,
      targets,
      postgres,
      nats: { ...nats, wipe },
      services,
      simulator,
      serviceLogs,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Stops = (() => Promise<unknown>)[];

async function keepServer(
  launch: (options: { dataDir: string; port: number; durable: boolean }) => Promise<EmbeddedServer>,
  dataDir: string,
  pids: Set<number>,
  stops: Stops,
): Promise<ServerSlot & { readonly url: string }> {
  mkdirSync(dataDir, { recursive: true });
  let server = await launch({ dataDir, port: 0, durable: true });
  const { url } = server;
  const port = Number(new URL(url).port);
  pids.add(server.pid);
  stops.push(() => server.stop());
  return {
    url,
    kill: async () => {
      server.kill();
      await server.exited;
      pids.delete(server.pid);
    },
    start: async () => {
      server = await launch({ dataDir, port, durable: true });
      pids.add(server.pid);
    },
  };
}

interface ServiceOptions {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly port: number;
  readonly logs: (() => string)[];
}

async function keepService(options: ServiceOptions, pids: Set<number>, stops: Stops): Promise<ServiceSlot> {
  const { databaseUrl, natsUrl, port, logs } = options;
  const launch = async () => {
    const started = await startTestService({ databaseUrl, natsUrl, env: { EARMARK_GRPC_PORT: String(port) } });
    pids.add(started.pid);
    logs.push(started.stderr);
    return started;
  };
  let service: TestService = await launch();
  stops.push(() => service.stop());
  return {
    get pid() {
      return service.pid;
    },
    kill: async () => {
      await service.kill();
      pids.delete(service.pid);
    },
    start: async () => {
      await service.stop();
      service = await launch();
    },
  };
}

async function keepSimulator(
  natsUrl: string,
  dataDir: string,
  pids: Set<number>,
  stops: Stops,
): Promise<SimulatorSlot> {
  const launch = async () => {
    const started = await startKillableSimulator({ natsUrl, wms: WMS, dataDir, ...SIMULATOR_DELAYS });
    pids.add(started.pid);
    return started;
  };
  let simulator = await launch();
  stops.push(() => simulator.stop());
  return {
    kill: async () => {
      await simulator.kill();
      pids.delete(simulator.pid);
    },
    start: async () => {
      simulator = await launch();
    },
  };
}

/** The processes that are still there after a while. */
async function waitUntilGone(find: () => number[]): Promise<number[]> {
  const deadline = performance.now() + GONE_DEADLINE_MS;
  for (;;) {
    const left = find();
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(GONE_POLL_MS);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
