import type { AvailabilityFeed, AvailabilityStreamEvent, PoolFilter, ReservationFeed } from '../ports/feeds.ts';
import type { ChangeFeed, ReservationReader, StockReader, StockView } from '../ports.ts';
import { type ChangePoller, distinctPools, type ReadPosition, startChangePoller } from './change-poller.ts';
import { createPoolSubscriber, type PoolSubscriber } from './pool-subscriber.ts';
import { createPoolValues, type PoolValues, readInBatches } from './pool-values.ts';
import { createReservationFeed } from './reservation-feed.ts';
import { makeResumeToken, readResumeToken } from './resume-token.ts';

/** Time between two heartbeats of a stream, in milliseconds; the contract allows 15 s. */
export const HEARTBEAT_MS = 10_000;

const TOKEN_KIND = 'pools';

export interface FeedDeps {
  readonly changes: ChangeFeed;
  readonly stock: StockReader;
  readonly reservations: ReservationReader;
  /** Told when a read fails; it is repeated within a second. */
  readonly onFailure?: (error: unknown) => void;
  /** Time between two heartbeats in milliseconds instead of {@link HEARTBEAT_MS}. */
  readonly heartbeatMs?: number;
}

/** The feeds of one process over one reading of the database. */
export interface Feeds {
  readonly availability: AvailabilityFeed;
  readonly reservations: ReservationFeed;
  /** Says that this process has committed something. */
  wake(): void;
  /** Ends every subscription and the reading. */
  stop(): Promise<void>;
}

export function createFeeds(deps: FeedDeps): Feeds {
  const poller = startChangePoller(deps.changes, deps.onFailure ?? (() => {}));
  const values = createPoolValues(deps.stock);
  poller.listeners.add(values);
  const reservations = createReservationFeed({ ...deps, poller, heartbeatMs: deps.heartbeatMs ?? HEARTBEAT_MS });
  return {
    availability: {
      subscribe: (filter, token, signal) => follow(deps, poller, values, filter, token, signal),
    },
    reservations,
    wake: poller.wake,
    async stop() {
      values.onReset();
      reservations.endAll();
      await poller.stop();
    },
  };
}

async function* follow(
  deps: FeedDeps,
  poller: ChangePoller,
  values: PoolValues,
  filter: PoolFilter,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<AvailabilityStreamEvent> {
  const from = readToken(token);
  const subscriber = createPoolSubscriber(filter);
  // From here on nothing is missed: what changes during the first read waits until it is over.
  values.subscribers.add(subscriber);
  try {
    const resumed = from === null ? null : await changedSince(deps, from, subscriber);
    const start = resumed?.read ?? (await deps.changes.position());
    poller.startFrom(start);
    const pages = resumed === null ? deps.stock.scan(filter.skus, filter.warehouses) : resumed.pages;
    for await (const page of pages) {
      for (const view of page) {
        if (signal.aborted || subscriber.isClosed()) return;
        if (!subscriber.isNewest(view)) continue;
        values.noteSent(view);
        yield { type: 'update', view, resumeToken: resumed === null ? '' : token };
      }
    }
    yield { type: 'snapshot-complete', asOf: start.asOf, resumeToken: makeToken(start) };
    yield* changesOf(poller, subscriber, start, deps.heartbeatMs ?? HEARTBEAT_MS, signal);
  } finally {
    values.subscribers.delete(subscriber);
  }
}

async function* changesOf(
  poller: ChangePoller,
  subscriber: PoolSubscriber,
  start: ReadPosition,
  heartbeatMs: number,
  signal: AbortSignal,
): AsyncGenerator<AvailabilityStreamEvent> {
  let reached = start;
  let beatAt = performance.now() + heartbeatMs;
  while (!signal.aborted && !subscriber.isClosed()) {
    // A whole read is handed out before its position is known, so with nothing waiting everything up to it is sent.
    const read = poller.current();
    if (!subscriber.hasPending() && read !== null && read.position >= reached.position) reached = read;
    if (performance.now() >= beatAt) {
      beatAt = performance.now() + heartbeatMs;
      yield { type: 'heartbeat', asOf: reached.asOf, resumeToken: makeToken(reached) };
      continue;
    }
    const view = subscriber.take();
    if (view === undefined) await subscriber.bell.wait(beatAt - performance.now(), signal);
    else yield { type: 'update', view, resumeToken: makeToken(reached) };
  }
}

/** What changed since a token, or null where only a full snapshot tells. */
async function changedSince(
  deps: FeedDeps,
  from: { readonly epoch: string; readonly position: bigint },
  subscriber: PoolSubscriber,
): Promise<{ readonly read: ReadPosition; readonly pages: AsyncIterable<StockView[]> } | null> {
  const set = await deps.changes.since(from.position);
  if (!set.complete || set.epoch !== from.epoch) return null;
  const due = await deps.changes.duePools();
  const wanted = distinctPools([...set.pools, ...due]).filter((pool) => subscriber.matches(pool));
  return { read: set, pages: readInBatches(deps.stock, wanted) };
}

function makeToken({ epoch, position }: ReadPosition): string {
  return makeResumeToken(TOKEN_KIND, [epoch, String(position)]);
}

function readToken(token: string): { readonly epoch: string; readonly position: bigint } | null {
  if (token === '') return null;
  const [epoch = '', position = ''] = readResumeToken(TOKEN_KIND, token, 2);
  return { epoch, position: BigInt(position) };
}
