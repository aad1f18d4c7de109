import { poolKey } from '../domain/stock-level.ts';
import type { PoolRef } from '../domain/working-set.ts';
import type { StockReader, StockView } from '../ports.ts';
import type { ChangeListener } from './change-poller.ts';
import type { PoolSubscriber } from './pool-subscriber.ts';

/** Pools read by one statement. */
const READ_BATCH_MAX = 1_000;

/** Hands changed pools to whoever watches them; holds no pool that nobody watches. */
export interface PoolValues extends ChangeListener {
  readonly subscribers: Set<PoolSubscriber>;
  /** Remembers that a value went out with a snapshot, so that no older one follows it. */
  noteSent(view: StockView): void;
}

interface Known {
  /** The highest version anybody was sent. */
  readonly newest: number;
  /** The version and due units last offered to everybody. */
  readonly offered: string;
}

export function createPoolValues(stock: StockReader): PoolValues {
  const subscribers = new Set<PoolSubscriber>();
  const known = new Map<string, Known>();

  const offer = (view: StockView): void => {
    const key = poolKey(view.level.sku, view.level.warehouse);
    const { version } = view.level;
    const { newest = 0, offered } = known.get(key) ?? {};
    // A read that was overtaken; the change that overtook it is found by the next one.
    if (newest > version) return;
    const now = `${version} ${view.due}`;
    if (offered === now) return;
    known.set(key, { newest: version, offered: now });
    for (const subscriber of subscribers) if (subscriber.matches(view.level)) subscriber.offer(view);
  };

  return {
    subscribers,
    noteSent({ level }) {
      const key = poolKey(level.sku, level.warehouse);
      const { newest = 0, offered = '' } = known.get(key) ?? {};
      if (newest < level.version) known.set(key, { newest: level.version, offered });
    },
    isNeeded() {
      if (subscribers.size === 0) known.clear();
      return subscribers.size > 0;
    },
    async onChanges({ pools }) {
      const watched = pools.filter((pool) => [...subscribers].some((subscriber) => subscriber.matches(pool)));
      for await (const views of readInBatches(stock, watched)) for (const view of views) offer(view);
    },
    onReset() {
      known.clear();
      for (const subscriber of subscribers) subscriber.close();
    },
  };
}

/** Reads pools in bounded batches. */
export async function* readInBatches(stock: StockReader, pools: readonly PoolRef[]): AsyncGenerator<StockView[]> {
  for (let start = 0; start < pools.length; start += READ_BATCH_MAX) {
    yield await stock.readPools(pools.slice(start, start + READ_BATCH_MAX));
  }
}
