import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePublisher, Outbox, OutboxRow, RelayLease } from '../ports.ts';

/** Rows claimed and published at a time. */
export const RELAY_BATCH_MAX = 500;
/** How often a process that does not lead asks to. */
const LEAD_RETRY_MS = 1_000;
const IDLE_POLL_MIN_MS = 200;
const IDLE_POLL_MAX_MS = 1_000;
const TROUBLE_DELAY_MIN_MS = 100;
const TROUBLE_DELAY_MAX_MS = 5_000;
/** How often the lease is checked while a batch is under way. */
const LEASE_CHECK_MS = 1_000;
/** How long a woken relay lets commits gather: one batch for many of them costs a fraction of one for each. */
const GATHER_MS = 20;
/** While calls wait for a unit of work, the relay rests this many times as long as its batch took. */
const GIVE_WAY_FACTOR = 9;
/** The longest such rest, so that warehouses hear of changes within about a second also under full load. */
const GIVE_WAY_MAX_MS = 800;
/** Rows claimed at a time while calls wait, so that no batch keeps the process from them for long. */
const GIVE_WAY_BATCH_MAX = 100;
/** How long a batch in hand may still take once shutdown was asked for. */
const STOP_DEADLINE_MS = 5_000;
const FIRST_SHARD = 0;

export type RelayEvent =
  | { readonly kind: 'leading'; readonly epoch: bigint }
  | {
      readonly kind: 'published';
      readonly topic: OutboxRow['topic'];
      readonly count: number;
      readonly durationMs: number;
    }
  | { readonly kind: 'unpublished'; readonly count: number }
  | { readonly kind: 'lost-lease' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface OutboxRelayDeps {
  readonly outbox: Outbox;
  readonly publisher: MessagePublisher;
  /** Whether calls wait to be decided: they come first, the outbox keeps what is to be sent. */
  readonly isBusy?: () => boolean;
  /** Runs beside the relay while it leads, until the signal; a failure ends the lead. */
  readonly whileLeading?: (epoch: bigint, signal: AbortSignal) => Promise<void>;
  readonly report?: (event: RelayEvent) => void;
}

export interface OutboxRelay {
  /** Says that rows were committed, so that nobody waits for the next poll. */
  wake(): void;
  /** Finishes the batch in hand, gives the lease back and settles; never rejects. */
  stop(): Promise<void>;
}

/**
 * Sends what the outbox holds, oldest first, for as long as this process leads. Rows are found by their status and
 * marked only after they were acknowledged: a row may be sent twice, and none is left out.
 */
export function startOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  const stopping = new AbortController();
  const bell = createBell();
  const running = relay(deps, bell, stopping.signal);
  return {
    wake: bell.ring,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function relay(deps: OutboxRelayDeps, bell: Bell, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const lease = await tryToLead(deps);
    if (lease === null) {
      await pause(LEAD_RETRY_MS, stopping);
      continue;
    }
    deps.report?.({ kind: 'leading', epoch: lease.epoch });
    try {
      await leadUntilLost(deps, lease, bell, stopping);
      if (!stopping.aborted) deps.report?.({ kind: 'lost-lease' });
    } catch (error) {
      deps.report?.({ kind: 'failed', error });
    }
    await lease.release().catch((error: unknown) => deps.report?.({ kind: 'failed', error }));
    await pause(LEAD_RETRY_MS, stopping);
  }
}

async function tryToLead(deps: OutboxRelayDeps): Promise<RelayLease | null> {
  try {
    return await deps.outbox.lead(FIRST_SHARD);
  } catch (error) {
    deps.report?.({ kind: 'failed', error });
    return null;
  }
}

/** Returns when the lease is lost or shutdown is asked for. @throws what the database or the companion threw */
async function leadUntilLost(deps: OutboxRelayDeps, lease: RelayLease, bell: Bell, stopping: AbortSignal) {
  const ended = new AbortController();
  const companion = deps.whileLeading?.(lease.epoch, AbortSignal.any([ended.signal, stopping])) ?? Promise.resolve();
  let companionFailure: unknown;
  const watched = companion.catch((error: unknown) => {
    companionFailure = error ?? new Error('the companion of the relay failed');
    bell.ring();
  });
  try {
    let idleMs = IDLE_POLL_MIN_MS;
    let troubleMs = TROUBLE_DELAY_MIN_MS;
    while (!stopping.aborted && (await lease.isHeld())) {
      if (companionFailure !== undefined) throw companionFailure;
      const startedAt = performance.now();
      const rows = await lease.claim(deps.isBusy?.() === true ? GIVE_WAY_BATCH_MAX : RELAY_BATCH_MAX);
      const published = await publishBatch(deps, lease, rows, stopping);
      if (published.isLost) return;
      if (published.count < rows.length) {
        deps.report?.({ kind: 'unpublished', count: rows.length - published.count });
        await pause(troubleMs, stopping);
        troubleMs = published.count > 0 ? TROUBLE_DELAY_MIN_MS : Math.min(TROUBLE_DELAY_MAX_MS, troubleMs * 2);
        continue;
      }
      troubleMs = TROUBLE_DELAY_MIN_MS;
      if (rows.length > 0) {
        idleMs = IDLE_POLL_MIN_MS;
        if (deps.isBusy?.() === true) await giveWay(performance.now() - startedAt, stopping);
        continue;
      }
      const isWoken = await bell.wait(idleMs, stopping);
      if (isWoken) await pause(GATHER_MS, stopping);
      idleMs = isWoken ? IDLE_POLL_MIN_MS : Math.min(IDLE_POLL_MAX_MS, idleMs * 2);
    }
  } finally {
    ended.abort();
    await watched;
  }
}

function giveWay(tookMs: number, stopping: AbortSignal): Promise<boolean> {
  return pause(Math.min(GIVE_WAY_MAX_MS, tookMs * GIVE_WAY_FACTOR), stopping);
}

/** Publishes the rows and then marks them. Stops publishing at once where the lease turns out to be lost. */
async function publishBatch(
  deps: OutboxRelayDeps,
  lease: RelayLease,
  rows: readonly OutboxRow[],
  stopping: AbortSignal,
): Promise<{ readonly count: number; readonly isLost: boolean }> {
  if (rows.length === 0) return { count: 0, isLost: false };
  const batch = new AbortController();
  const watch = watchBatch(lease, batch, stopping);
  const startedAt = performance.now();
  try {
    const ids = await deps.publisher.publish(rows, lease.epoch, batch.signal).catch((error: unknown) => {
      deps.report?.({ kind: 'failed', error });
      return [];
    });
    const isLost = await watch.end();
    if (isLost) return { count: 0, isLost };
    if (ids.length > 0) await lease.markPublished(ids);
    reportPublished(deps, rows, ids, performance.now() - startedAt);
    return { count: ids.length, isLost: false };
  } finally {
    await watch.end();
  }
}

function reportPublished(
  deps: OutboxRelayDeps,
  rows: readonly OutboxRow[],
  ids: readonly bigint[],
  durationMs: number,
) {
  const published = new Set(ids);
  const counts = new Map<OutboxRow['topic'], number>();
  for (const row of rows) {
    if (published.has(row.outboxId)) counts.set(row.topic, (counts.get(row.topic) ?? 0) + 1);
  }
  for (const [topic, count] of counts) deps.report?.({ kind: 'published', topic, count, durationMs });
}

/** Aborts the batch when the lease is lost, or some time after shutdown was asked for. */
function watchBatch(lease: RelayLease, batch: AbortController, stopping: AbortSignal) {
  const over = new AbortController();
  let isLost = false;
  const checking = (async () => {
    while (await pause(LEASE_CHECK_MS, over.signal)) {
      isLost = !(await lease.isHeld().catch(() => false));
      if (isLost) return batch.abort();
    }
  })();
  const hurry = async () => {
    if (await pause(STOP_DEADLINE_MS, over.signal)) batch.abort();
  };
  const onStop = () => void hurry();
  stopping.addEventListener('abort', onStop, { once: true });
  return {
    /** Ends the watch and tells whether the lease was lost. May be called again. */
    end: async () => {
      over.abort();
      stopping.removeEventListener('abort', onStop);
      await checking;
      return isLost;
    },
  };
}

/** True when the time passed, false when it was cut short. */
function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(delayMs, true, { signal }).catch(() => false);
}

interface Bell {
  ring(): void;
  /** Waits until rung, also by a ring before the call; false when the time passed or the signal came. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}

function createBell(): Bell {
  let isRung = false;
  let waiting: AbortController | null = null;
  return {
    ring: () => {
      isRung = true;
      waiting?.abort();
    },
    wait: async (timeoutMs, signal) => {
      if (!isRung) {
        waiting = new AbortController();
        await pause(timeoutMs, AbortSignal.any([waiting.signal, signal]));
        waiting = null;
      }
      const wasRung = isRung;
      isRung = false;
      return wasRung;
    },
  };
}
