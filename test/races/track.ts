import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Engine } from '../../src/persistence/engine.ts';
import { SYSTEM_IDS, systemRandom } from '../../src/runtime.ts';
import { putItems, putWarehouses, receiveStock } from '../../src/use-cases/stock.ts';
import type { ReserveCommand, SimLine } from '../simulation/commands.ts';
import { MOVABLE_CLOCK_SQL, openTestEngine, SET_CLOCK_SQL } from '../support/engine.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { Racer } from './racers.ts';

/** A database, two processes racing on it, and an engine and a connection of the test itself. */
export interface Track {
  readonly racers: readonly [Racer, Racer];
  readonly engine: Engine;
  readonly client: pg.Client;
  readonly databaseUrl: string;
  /** Puts SKUs, with so many units of each in warehouse W1. */
  stockUp(skus: readonly string[], onHand: number): Promise<void>;
  /** Milliseconds since the Unix epoch; only where the clock is movable. */
  setClock(now: number): Promise<void>;
  /** Reads one number. */
  count(sql: string, values?: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

const CALL = { caller: { principal: 'track', actorType: 'SERVICE' as const, channel: '' }, trace: null };

export async function openTrack(options: { readonly movableClock: boolean }): Promise<Track> {
  const database = await createTestDatabase('races');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(deadlocksSoonFound(database.url));
  if (options.movableClock) await client.query(MOVABLE_CLOCK_SQL);
  const engine = await openTestEngine(database.url, {
    ids: SYSTEM_IDS,
    random: systemRandom,
    onUnitFailure: () => undefined,
  });
  await putWarehousesOf(engine);
  const racers = await Racer.pair(database.url);
  return {
    racers,
    engine,
    client,
    databaseUrl: database.url,
    stockUp: (skus, onHand) => stockUp(engine, skus, onHand),
    async setClock(now) {
      await client.query(SET_CLOCK_SQL, [now]);
    },
    async count(sql, values = []) {
      const result = await client.query<{ count: number }>(sql, [...values]);
      return Number(result.rows[0]?.count ?? Number.NaN);
    },
    async close() {
      await Promise.all(racers.map((racer) => racer.stop()));
      await engine.close();
      await client.end();
      await database.drop();
    },
  };
}

/** Before a lock that is waited for too long is given up: else a deadlock would be taken for that. */
function deadlocksSoonFound(databaseUrl: string): string {
  return `alter database "${new URL(databaseUrl).pathname.slice(1)}" set deadlock_timeout = '100ms'`;
}

function key() {
  return { requestId: SYSTEM_IDS.uuid(), contentHash: createHash('sha256').digest() };
}

async function putWarehousesOf(engine: Engine): Promise<void> {
  const warehouses = ['W1', 'W2'].map((code, at) => ({
    code,
    name: code,
    timeZone: 'UTC',
    priority: at + 1,
    countryCode: 'DE',
    postalCode: '10115',
    enabled: true,
    wms: 'sim',
  }));
  await putWarehouses(engine, { ...key(), warehouses }, CALL);
}

async function stockUp(engine: Engine, skus: readonly string[], onHand: number): Promise<void> {
  const items = skus.map((sku) => ({
    itemId: SYSTEM_IDS.uuid(),
    sku,
    name: sku,
    tracking: 'QUANTITY' as const,
    product: '',
    attributes: {},
    equivalentSkus: [],
    retired: false,
  }));
  await putItems(engine, { ...key(), items }, CALL);
  const receipts = skus.map((sku) => ({ sku, warehouse: 'W1', delta: { onHand } }));
  const outcome = await receiveStock(engine, { ...key(), reason: 'race', receipts }, CALL);
  if (!outcome.ok) throw new Error(`the stock was refused: ${outcome.refusal.message}`);
}

/** A reservation of a new exchange under a new id, but for what is given. */
export function reservation(
  lines: readonly Partial<SimLine>[],
  more: Partial<Omit<ReserveCommand, 'kind' | 'lines'>> = {},
): ReserveCommand {
  const id = SYSTEM_IDS.uuid();
  return {
    kind: 'reserve',
    requestId: id,
    exchangeId: id,
    orderId: id,
    lines: lines.map((line) => ({ sku: '', quantity: 1, orderLineId: '', warehouse: '', purchased: 0, ...line })),
    partial: false,
    holdWindowMs: null,
    deliveredAt: null,
    reason: 'SIZE',
    validateOnly: false,
    ...more,
  };
}
