import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';
import { pictureSubject, stateSubject } from '../../adapters/nats/subjects.ts';
import type { PictureState } from '../../adapters/wms-simulator/picture.ts';
import { WMS } from './stock.ts';

const CONVERGENCE_DEADLINE_MS = 30_000;
const POLL_MS = 200;
const REQUEST_TIMEOUT_MS = 2_000;
/** Differences named; the rest is like them. */
const DIFFERENCES_MAX = 10;

export interface Convergence {
  readonly tookMs: number;
  /** What still differs when the time was up; empty where all agree. */
  readonly differences: readonly string[];
}

/**
 * Waits until the warehouse's own picture and the last values on NATS equal the database, for every pool and every
 * held reservation, and nothing waits in the outbox.
 * @param poolsOnly leaves reservations out: the messages about them were lost, and only last values are put back
 */
export async function waitForWarehouse(
  database: pg.Client,
  nats: NatsConnection,
  poolsOnly: boolean,
): Promise<Convergence> {
  const startedAt = performance.now();
  for (;;) {
    const differences = await findDifferences(database, nats, poolsOnly).catch((error: unknown) => [String(error)]);
    const tookMs = Math.round(performance.now() - startedAt);
    if (differences.length === 0 || tookMs > CONVERGENCE_DEADLINE_MS) return { tookMs, differences };
    await sleep(POLL_MS);
  }
}

/** A client with nothing of the service's own. */
export async function connectPlainly(natsUrl: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(natsUrl);
  return await connect({ servers: host, user: username, pass: decodeURIComponent(password) });
}

interface Counts {
  readonly reserved: number;
  readonly on_hand: number;
  readonly unavailable: number;
  readonly version: number;
}

async function findDifferences(database: pg.Client, nats: NatsConnection, poolsOnly: boolean): Promise<string[]> {
  const waiting = await database.query('select 1 from outbox where published_time is null limit 1');
  const pools = await database.query<Counts & { sku: string; warehouse: string }>(
    `select p.sku, p.warehouse, p.reserved, p.on_hand, p.unavailable, p.version::int as version
     from stock_pool p join warehouse w on w.code = p.warehouse where w.wms = $1`,
    [WMS],
  );
  const picture = (await nats.request(pictureSubject(WMS), '', { timeout: REQUEST_TIMEOUT_MS })).json<PictureState>();
  const differences = (waiting.rowCount ?? 0) > 0 ? ['rows wait in the outbox'] : [];
  for (const pool of pools.rows) {
    const name = `${pool.warehouse}/${pool.sku}`;
    const stored = await readState(nats, pool.warehouse, pool.sku);
    const seen = picture.pools[name];
    const known = seen === undefined ? null : { ...seen, on_hand: seen.onHand };
    if (!isSame(pool, known)) differences.push(`picture of ${name}: ${text(known)}, database: ${text(pool)}`);
    if (!isSame(pool, stored)) differences.push(`state of ${name}: ${text(stored)}, database: ${text(pool)}`);
  }
  if (!poolsOnly) differences.push(...(await reservationDifferences(database, picture)));
  return differences.slice(0, DIFFERENCES_MAX);
}

async function readState(nats: NatsConnection, warehouse: string, sku: string): Promise<Counts | null> {
  const manager = await jetstreamManager(nats);
  const stored = await manager.streams.getMessage('EARMARK_STATE', { last_by_subj: stateSubject(WMS, warehouse, sku) });
  if (stored === null) return null;
  const value = stored.json<Record<string, string | number | undefined>>();
  const number = (name: string) => Number(value[name] ?? 0);
  return {
    reserved: number('reserved'),
    on_hand: number('onHand'),
    unavailable: number('unavailable'),
    version: number('version'),
  };
}

/** The warehouse knows exactly what was promised from it and not given back, unit for unit, shipped or not. */
async function reservationDifferences(database: pg.Client, picture: PictureState): Promise<string[]> {
  const promised = await database.query<{ name: string; units: number }>(
    `select a.warehouse || '/' || r.tracking_id as name, sum(a.reserved + a.fulfilled)::int as units
     from allocation a join reservation r using (reservation_id) join warehouse w on w.code = a.warehouse
     where w.wms = $1 group by 1 having sum(a.reserved + a.fulfilled) > 0`,
    [WMS],
  );
  const wanted = new Map(promised.rows.map(({ name, units }) => [name, units]));
  const seen = new Map(
    Object.entries(picture.reservations)
      .filter(([, reservation]) => reservation.isHeld)
      .map(([name, { lines }]) => [name, lines.reduce((sum, line) => sum + line.quantity, 0)]),
  );
  return [...new Set([...wanted.keys(), ...seen.keys()])]
    .filter((name) => wanted.get(name) !== seen.get(name))
    .map((name) => `reservation ${name}: warehouse knows ${seen.get(name) ?? 0}, database ${wanted.get(name) ?? 0}`);
}

function isSame(pool: Counts, other: Counts | null): boolean {
  return (
    other !== null &&
    pool.reserved === other.reserved &&
    pool.on_hand === other.on_hand &&
    pool.unavailable === other.unavailable &&
    pool.version === Number(other.version)
  );
}

function text(counts: Counts | null): string {
  if (counts === null) return 'nothing';
  return `version ${counts.version}, ${counts.reserved} reserved of ${counts.on_hand}`;
}
