import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedNats } from '../adapters/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../adapters/embedded/postgres.ts';
import { loadPeer, loadService } from './catalog.ts';
import type { BenchOptions } from './options.ts';
import { type RoleProcess, startRole } from './role-process.ts';
import { connectClient, type ServiceClient } from './service-client.ts';
import { startService } from './service-process.ts';

const START_MAX_MS = 30_000;

/** A server under measurement. */
export interface Side {
  readonly name: 'service' | 'peer';
  readonly pid: number;
  readonly grpcPort: number;
  /** A connection to its database, for looking on. */
  readonly database: pg.Client;
}

/** Everything a run needs, each part a process of its own. */
export interface Stand {
  readonly service: Side;
  readonly peer: Side;
  readonly serviceClient: ServiceClient;
  readonly generator: RoleProcess;
  readonly sink: RoleProcess;
  readonly postgresPid: number;
  readonly natsPid: number;
  readonly postgresVersion: string;
  /** Ends everything, also after a failure, and removes its data. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL and NATS as in production (with fsync), both sides with the same stock, and the load generator. */
export async function startStand(options: BenchOptions, serviceNodeArguments: readonly string[]): Promise<Stand> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    const failures: unknown[] = [];
    for (const each of stops.reverse()) await each().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'the benchmark did not end well');
  };
  try {
    return await start(options, serviceNodeArguments, stops, stop);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

async function start(
  options: BenchOptions,
  nodeArguments: readonly string[],
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Stand> {
  const directory = await mkdtemp(join(tmpdir(), 'earmark-bench-'));
  stops.push(() => rm(directory, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: 0, durable: true });
  stops.push(() => postgres.stop());
  const nats = await startEmbeddedNats({ dataDir: join(directory, 'nats'), port: 0, durable: true });
  stops.push(() => nats.stop());
  const startOne = async <T>(file: string, first?: object) => {
    const started = await startRole<T>(new URL(file, import.meta.url), START_MAX_MS, first);
    stops.push(() => started.role.stop());
    return started;
  };
  const sink = await startOne<{ url: string }>('./otlp-sink.ts');
  const generator = await startOne('./load/main.ts');
  const [serviceDatabase, peerDatabase] = await createDatabases(postgres.url, ['bench_service', 'bench_peer'], stops);
  if (serviceDatabase === undefined || peerDatabase === undefined) throw new Error('two databases were created');
  const peer = await startOne<{ port: number }>('./peers/pg-transaction/main.ts', { databaseUrl: peerDatabase.url });
  await loadPeer(peerDatabase.client, options);
  const service = await startService({
    databaseUrl: serviceDatabase.url,
    natsUrl: nats.url,
    otlpUrl: sink.ready.url,
    dataDir: join(directory, 'service'),
    nodeArguments,
  });
  stops.push(() => service.stop());
  const serviceClient = connectClient(service.grpcPort);
  stops.push(async () => serviceClient.close());
  await loadService(serviceClient, options);
  const version = await serviceDatabase.client.query<{ server_version: string }>('show server_version');
  return {
    service: { name: 'service', pid: service.pid, grpcPort: service.grpcPort, database: serviceDatabase.client },
    peer: { name: 'peer', pid: peer.role.pid, grpcPort: peer.ready.port, database: peerDatabase.client },
    serviceClient,
    generator: generator.role,
    sink: sink.role,
    postgresPid: postgres.pid,
    natsPid: nats.pid,
    postgresVersion: version.rows[0]?.server_version ?? 'unknown',
    stop,
  };
}

/** Creates databases of these names and connects to each. */
async function createDatabases(serverUrl: string, names: readonly string[], stops: (() => Promise<unknown>)[]) {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  const databases: { url: string; client: pg.Client }[] = [];
  for (const name of names) {
    await admin.query(`create database ${name}`);
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    stops.push(() => client.end());
    databases.push({ url: url.href, client });
  }
  await admin.end();
  return databases;
}
