import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { SeededRandom } from '../simulation/random.ts';
import { processOfLocalPort } from './connection-owner.ts';
import type { World } from './world.ts';

const DOWN_MIN_MS = 200;
const DOWN_MAX_MS = 2_000;
/** Longer than any time limit of a statement, a lock or an open transaction but the last. */
const FROZEN_MS = 8_000;
const TERMINATE_PAUSE_MS = 50;
/** First half of the key of the relay's advisory lock. */
const RELAY_LOCK = 0x6561726d;

export const FAULTS = [
  'kill-service',
  'kill-both-services',
  'kill-postgres',
  'kill-nats',
  'kill-simulator',
  'freeze-relay-leader',
  'wipe-nats',
  'terminate-connections',
] as const;

export type Fault = (typeof FAULTS)[number];

/** Breaks something and mends it again. What and for how long is chosen by the seed. */
export async function inject(world: World, fault: Fault, random: SeededRandom): Promise<void> {
  const downMs = random.int(DOWN_MIN_MS, DOWN_MAX_MS);
  switch (fault) {
    case 'kill-service':
      return await killAndStart([random.pick(world.services)], downMs);
    case 'kill-both-services':
      return await killAndStart(world.services, downMs);
    case 'kill-postgres':
      return await killAndStart([world.postgres], downMs);
    case 'kill-nats':
      return await killAndStart([world.nats], downMs);
    case 'kill-simulator':
      return await killAndStart([world.simulator], downMs);
    case 'wipe-nats':
      return await killAndStart([world.nats], downMs, world.nats.wipe);
    case 'terminate-connections':
      return await terminateConnections(world, downMs);
    case 'freeze-relay-leader':
      return await freeze(await relayLeader(world));
  }
}

interface Killable {
  kill(): Promise<void>;
  start(): Promise<void>;
}

async function killAndStart(victims: readonly Killable[], downMs: number, whileDown = () => {}): Promise<void> {
  await Promise.all(victims.map((victim) => victim.kill()));
  whileDown();
  await sleep(downMs);
  await Promise.all(victims.map((victim) => victim.start()));
}

/** Cuts every connection of the service, again and again, wherever its transactions are. */
async function terminateConnections(world: World, forMs: number): Promise<void> {
  const database = new pg.Client({ connectionString: world.databaseUrl });
  await database.connect();
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'earmark'`,
    );
    await sleep(TERMINATE_PAUSE_MS);
  }
  await database.end();
}

async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await sleep(FROZEN_MS);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** The process that holds the relay's lock, found by the connection it holds it on. */
async function relayLeader(world: World): Promise<number> {
  const database = new pg.Client({ connectionString: world.databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query<{ client_port: number }>(
      `select a.client_port from pg_locks l join pg_stat_activity a using (pid)
       where l.locktype = 'advisory' and l.classid = $1 and l.granted`,
      [RELAY_LOCK],
    );
    const pids = world.services.map((service) => service.pid);
    const leader = rows[0] === undefined ? null : processOfLocalPort(rows[0].client_port, pids);
    if (leader === null) throw new Error('no process leads the relay');
    return leader;
  } finally {
    await database.end();
  }
}
