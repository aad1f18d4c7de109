import { createHash } from 'node:crypto';
import pg from 'pg';
import { FIRST_RULES, rulesEtag } from '../../src/domain/rules.ts';
import type { Engine } from '../../src/persistence/engine.ts';
import type { Ids } from '../../src/ports.ts';
import { putRules } from '../../src/use-cases/put-rules.ts';
import { putItems, putWarehouses } from '../../src/use-cases/stock.ts';
import { MOVABLE_CLOCK_SQL, openTestEngine, SET_CLOCK_SQL } from '../support/engine.ts';
import type { Ref } from './commands.ts';
import { EQUIVALENTS, SKUS, WAREHOUSES, WMS } from './model/state.ts';
import { SeededRandom } from './random.ts';

const TABLES = [
  'stock_unit',
  'stock_pool',
  'stock_movement',
  'exchange',
  'order_line',
  'waitlist',
  'reservation',
  'allocation',
  'allocated_unit',
  'audit_event',
  'audit_leaf',
  'audit_checkpoint',
  'refused_reserve',
  'request_claim',
  'outbox',
  'notification',
  'milestone',
  'shortage',
  'shortage_victim',
];

const CALL = { caller: { principal: 'simulation', actorType: 'SERVICE' as const, channel: '' }, trace: null };

/** Ids of one reservation of the service. */
export interface RealIds {
  readonly reservationId: string;
  readonly trackingId: string;
}

/**
 * One database with a clock that stands still until it is moved, and two engines on it, as two processes would have
 * them. Ids and jitter come from a seed.
 */
export interface World {
  readonly engines: readonly [Engine, Engine];
  readonly client: pg.Client;
  readonly ids: Ids;
  /** The version of the rules that the history began with: the first rules again. */
  readonly firstRules: number;
  /** Real ids by `exchange#ordinal`. */
  readonly known: Map<string, RealIds>;
  /** Failed tries of units since the last reset. */
  readonly failures: string[];
  /** Empties the tables and starts anew from a seed, at an instant in milliseconds since the Unix epoch. */
  reset(seed: number, now: number): Promise<void>;
  setClock(now: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a migrated, empty database for simulations and makes its clock movable. */
export async function openWorld(databaseUrl: string): Promise<World> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(MOVABLE_CLOCK_SQL);
  await client.query('set jit = off');
  let random = new SeededRandom(0);
  let made = 0;
  const ids: Ids = {
    uuid: () => {
      made += 1;
      return `01900000-0000-7000-8000-${made.toString(16).padStart(12, '0')}`;
    },
    randomBytes: (length) => random.bytes(length),
  };
  const failures: string[] = [];
  const open = () =>
    openTestEngine(databaseUrl, {
      ids,
      random: () => random.next(),
      onUnitFailure: (failure) => failures.push(failure),
    });
  const engines = [await open(), await open()] as const;
  await putCatalogue(engines[0], ids);
  const known = new Map<string, RealIds>();
  let firstRules = 1;
  const setClock = async (now: number) => {
    await client.query({ name: 'set-clock', text: SET_CLOCK_SQL, values: [now] });
  };
  return {
    engines,
    client,
    ids,
    known,
    failures,
    get firstRules() {
      return firstRules;
    },
    setClock,
    async reset(seed, now) {
      random = new SeededRandom(seed);
      known.clear();
      failures.length = 0;
      await empty(client);
      await setClock(now);
      firstRules = await putFirstRules(engines[0], client, firstRules);
    },
    async close() {
      for (const engine of engines) await engine.close();
      await client.end();
    },
  };
}

/** Versions are never taken back: where others were put, the first rules are put again. Answers their version. */
async function putFirstRules(engine: Engine, client: pg.Client, first: number): Promise<number> {
  const { rows } = await client.query<{ newest: number }>('select max(version)::int as newest from rule_version');
  const newest = rows[0]?.newest ?? first;
  if (newest === first) return first;
  const contentHash = createHash('sha256').digest();
  const draft = { ...FIRST_RULES, effectiveAt: null };
  const input = { requestId: `first-rules-${newest}`, contentHash, etag: rulesEtag(newest), draft };
  const outcome = await putRules(engine, input, CALL);
  if (!outcome.ok) throw new Error(`the first rules were refused: ${outcome.refusal.message}`);
  return newest + 1;
}

/** Append-only tables refuse to be emptied, so their triggers are set aside as only a superuser can. */
async function empty(client: pg.Client): Promise<void> {
  await client.query(
    `begin; set local session_replication_role = replica;
     ${TABLES.map((table) => `delete from ${table};`).join(' ')} commit`,
  );
}

/** Vacuuming now and then keeps emptied tables small. */
export async function vacuum(world: World): Promise<void> {
  await world.client.query(`vacuum ${TABLES.join(', ')}`);
}

async function putCatalogue(engine: Engine, ids: Ids): Promise<void> {
  const contentHash = createHash('sha256').digest();
  const deps = { unitOfWork: engine.unitOfWork };
  const warehouses = WAREHOUSES.map((code, at) => ({
    code,
    name: code,
    timeZone: 'UTC',
    priority: at + 1,
    countryCode: 'DE',
    postalCode: '10115',
    enabled: true,
    wms: WMS,
  }));
  const items = SKUS.map((sku) => ({
    itemId: ids.uuid(),
    sku,
    name: sku,
    tracking: 'QUANTITY' as const,
    product: '',
    attributes: {},
    equivalentSkus: EQUIVALENTS[sku],
    retired: false,
  }));
  for (const outcome of [
    await putWarehouses(deps, { requestId: 'warehouses', contentHash, warehouses }, CALL),
    await putItems(deps, { requestId: 'items', contentHash, items }, CALL),
  ]) {
    if (!outcome.ok) throw new Error(`the catalogue was refused: ${outcome.refusal.message}`);
  }
}

export function refKey(ref: Ref): string {
  return `${ref.exchangeId}#${ref.ordinal}`;
}
