import { poolKey } from '../domain/stock-level.ts';
import type { PoolRef } from '../domain/working-set.ts';
import type { ChangeFeed } from '../ports.ts';
import { createBell } from './bell.ts';

/** Longest time between two reads of what has changed, in milliseconds. */
export const POLL_INTERVAL_MS = 1_000;

/** Shortest time between two reads, so that a busy service reads once for many commits, in milliseconds. */
export const POLL_SPACING_MS = 20;

/** What one read found. */
export interface Changes {
  /** Pools with a new version, and pools whose due units moved with the clock. */
  readonly pools: readonly PoolRef[];
  readonly reservationIds: readonly string[];
}

/** Up to where this process has read. */
export interface ReadPosition {
  readonly epoch: string;
  readonly position: bigint;
  /** Start of the read, in milliseconds since the Unix epoch by the database's clock. */
  readonly asOf: number;
}

export interface ChangeListener {
  /** Whether anybody watches anything; without any nothing is read. */
  isNeeded(): boolean;
  /** Hands on what changed; the position moves on when it settles. */
  onChanges(changes: Changes): Promise<void>;
  /** The database is another one now: nothing known before holds. */
  onReset(): void;
}

export interface ChangePoller {
  readonly listeners: Set<ChangeListener>;
  /** The last whole read, or null while nobody needs one. */
  current(): ReadPosition | null;
  /** Takes over the position of a subscriber's own read where there is none yet. */
  startFrom(read: ReadPosition): void;
  wake(): void;
  stop(): Promise<void>;
}

/** Reads, at least once a second and at once after each commit of this process, what the outbox says has changed. */
export function startChangePoller(changes: ChangeFeed, onFailure: (error: unknown) => void): ChangePoller {
  const stopping = new AbortController();
  const bell = createBell();
  const listeners = new Set<ChangeListener>();
  let read: ReadPosition | null = null;
  let wasDue: readonly PoolRef[] = [];

  async function poll(from: ReadPosition): Promise<void> {
    const [set, isDue] = [await changes.since(from.position), await changes.duePools()];
    if (set.epoch !== from.epoch) {
      read = null;
      for (const listener of listeners) listener.onReset();
      return;
    }
    const pools = distinctPools([...set.pools, ...isDue, ...wasDue]);
    for (const listener of listeners) {
      if (listener.isNeeded()) await listener.onChanges({ pools, reservationIds: set.reservationIds });
    }
    wasDue = isDue;
    read = { epoch: set.epoch, position: set.position, asOf: set.asOf };
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await bell.wait(POLL_INTERVAL_MS, stopping.signal);
      if (![...listeners].some((listener) => listener.isNeeded())) read = null;
      if (read !== null && !stopping.signal.aborted) await poll(read).catch(onFailure);
      await createBell().wait(POLL_SPACING_MS, stopping.signal);
    }
  }

  const running = run();
  return {
    listeners,
    current: () => read,
    startFrom: (start) => {
      read ??= start;
    },
    wake: bell.ring,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Each pool once. */
export function distinctPools(pools: readonly PoolRef[]): PoolRef[] {
  return [...new Map(pools.map((pool) => [poolKey(pool.sku, pool.warehouse), pool])).values()];
}
