import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidResumeToken } from '../../src/domain/subscription.ts';
import { createChangeFeed } from '../../src/persistence/change-feed.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import type { AvailabilityStreamEvent } from '../../src/ports/feeds.ts';
import { createFeeds, type Feeds } from '../../src/workers/availability-feed.ts';
import { MOVABLE_CLOCK_SQL } from '../support/engine.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, reserveInput, reserveOne, stockUp, type TestService } from '../support/test-service.ts';

const SKU = 'S-1';
const HEARTBEAT_MS = 200;

let database: TestDatabase;
let own: TestService;
let other: TestService;
let feeds: Feeds;
let failures: unknown[];
let stopped: AbortController;

beforeEach(async () => {
  database = await createTestDatabase('feeds');
  own = await openTestService(database.url);
  other = await openTestService(database.url);
  await stockUp(other, [SKU, 'S-2'], 100);
  await settled();
  failures = [];
  feeds = createFeeds({ ...readersOf(own), heartbeatMs: HEARTBEAT_MS, onFailure: (error) => failures.push(error) });
  stopped = new AbortController();
});

afterEach(async () => {
  stopped.abort();
  await feeds.stop();
  await Promise.all([own.close(), other.close()]);
  await database.drop();
});

test('hears within a second of what another process has committed', async () => {
  const events = subscribe();
  await snapshot(events);
  await reserveOne(other, reserveInput([{ sku: SKU }]));
  const { level } = await nextUpdate(events);
  expect(level).toMatchObject({ sku: SKU, warehouse: 'W1', reserved: 1 });
  expect(failures).toEqual([]);
});

test('a reader that is slow gets the latest value of each pool once', async () => {
  const events = subscribe([SKU]);
  await snapshot(events);
  const quick = subscribe([SKU]);
  await snapshot(quick);
  for (let count = 0; count < 20; count += 1) {
    await reserveOne(own, reserveInput([{ sku: SKU }]));
    feeds.wake();
  }
  let seen = 0;
  while (seen < 20) seen = (await nextUpdate(quick)).level.reserved;
  expect((await nextUpdate(events)).level).toMatchObject({ warehouse: 'W1', reserved: 20 });
  expect((await nextOf(events, () => true)).type).toBe('heartbeat');
});

test('beats, and says until when it has read', async () => {
  const events = subscribe();
  const { asOf } = await snapshot(events);
  const beat = await nextOf(events, (event) => event.type === 'heartbeat' && event.asOf > asOf);
  expect(beat).toMatchObject({ type: 'heartbeat' });
});

test('sends a pool again when the clock alone changes what is due', async () => {
  await execute(MOVABLE_CLOCK_SQL);
  const events = subscribe([SKU]);
  await snapshot(events);
  await reserveOne(other, reserveInput([{ sku: SKU }], { holdWindowMs: 1_000 }));
  const held = await nextUpdate(events);
  expect(held).toMatchObject({ due: 0, level: { reserved: 1 } });
  await execute("update test_clock set now = now + interval '1 second'");
  const due = await nextUpdate(events);
  expect(due).toMatchObject({ due: 1, level: { reserved: 1, version: held.level.version } });
});

test('resumes with what changed meanwhile, and with everything for a token of another database', async () => {
  const first = subscribe();
  const { resumeToken } = await snapshot(first);
  await reserveOne(other, reserveInput([{ sku: SKU }]));
  const { seen } = await snapshot(subscribe([], resumeToken));
  expect(seen.map(({ level }) => [level.sku, level.warehouse, level.reserved])).toEqual([[SKU, 'W1', 1]]);

  await execute('update incarnation set epoch = gen_random_uuid()');
  const all = await snapshot(subscribe([], resumeToken));
  expect(all.seen).toHaveLength(4);
});

test('ends its streams when the database has become another one', async () => {
  const events = subscribe();
  await snapshot(events);
  await execute('update incarnation set epoch = gen_random_uuid()');
  let last = await events.next();
  while (last.done !== true) last = await events.next();
  expect(last.done).toBe(true);
});

test('refuses a token that is damaged or of another kind', async () => {
  await reserveOne(other, reserveInput([{ sku: SKU }], { exchangeId: 'exchange' }));
  const watched = feeds.reservations.watch({ by: 'exchange', id: 'exchange' }, '', stopped.signal);
  const { value } = await watched[Symbol.asyncIterator]().next();
  const foreign = (value as { resumeToken: string }).resumeToken;
  for (const token of ['x', foreign, `${foreign}A`]) {
    await expect(subscribe([], token).next()).rejects.toBeInstanceOf(InvalidResumeToken);
  }
});

test('a version never goes back for any reader while many change the same pools', async () => {
  const readers = Array.from({ length: 4 }, () => subscribe());
  const seen = readers.map(() => new Map<string, number>());
  let done = false;
  const reading = readers.map(async (events, at) => {
    while (!done) {
      const event = (await events.next()).value as AvailabilityStreamEvent;
      if (event.type !== 'update') continue;
      const { sku, warehouse, version } = event.view.level;
      const key = `${sku} ${warehouse}`;
      expect(version).toBeGreaterThanOrEqual(seen[at]?.get(key) ?? 0);
      seen[at]?.set(key, version);
    }
  });
  const writers = [own, other].map(async (service) => {
    for (let count = 0; count < 40; count += 1) {
      await reserveOne(service, reserveInput([{ sku: SKU }, { sku: 'S-2' }], { requestId: randomUUID() }));
      feeds.wake();
    }
  });
  await Promise.all(writers);
  const final = await readersOf(own).stock.read([], []);
  const versions = new Map(final.map(({ level }) => [`${level.sku} ${level.warehouse}`, level.version]));
  await expect
    .poll(() => seen.map((one) => Object.fromEntries(one)))
    .toEqual(readers.map(() => Object.fromEntries(versions)));
  done = true;
  await Promise.all(reading);
});

/** Until nothing that began before the stock was put is still running, so that no read overlaps it. */
async function settled(): Promise<void> {
  const { changes } = readersOf(other);
  await expect.poll(async () => (await changes.since((await changes.position()).position)).pools).toEqual([]);
}

function readersOf(service: TestService) {
  const { pool, orm } = service.database;
  return {
    changes: createChangeFeed(pool),
    stock: createStockReader(orm, pool),
    reservations: createReservationReader(pool),
  };
}

type Events = AsyncIterator<AvailabilityStreamEvent>;

function subscribe(skus: readonly string[] = [], token = ''): Events {
  return feeds.availability.subscribe({ skus, warehouses: [] }, token, stopped.signal)[Symbol.asyncIterator]();
}

async function nextOf(events: Events, isWanted: (event: AvailabilityStreamEvent) => boolean) {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) throw new Error('the subscription has ended');
    if (isWanted(value)) return value;
  }
}

async function nextUpdate(events: Events) {
  const event = await nextOf(events, ({ type }) => type === 'update');
  if (event.type !== 'update') throw new TypeError('an update was asked for');
  return event.view;
}

async function snapshot(events: Events) {
  const seen: { level: { sku: string; warehouse: string; reserved: number } }[] = [];
  for (;;) {
    const event = await nextOf(events, () => true);
    if (event.type === 'update') seen.push(event.view);
    if (event.type === 'snapshot-complete') return { seen, asOf: event.asOf, resumeToken: event.resumeToken };
  }
}

async function execute(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(statement);
  await client.end();
}
