import { isLive } from '../domain/reservation.ts';
import { UnknownTarget } from '../domain/subscription.ts';
import type { Target } from '../domain/working-set.ts';
import type { ReservationFeed, ReservationStreamEvent } from '../ports/feeds.ts';
import type { ChangeFeed, ReservationReader } from '../ports.ts';
import { type Bell, createBell } from './bell.ts';
import type { ChangePoller } from './change-poller.ts';
import { makeResumeToken, readResumeToken } from './resume-token.ts';

const TOKEN_KIND = 'reservation';

interface Watcher {
  readonly bell: Bell;
  reservationId: string;
  closed: boolean;
}

export interface ReservationFeedDeps {
  readonly reservations: ReservationReader;
  readonly changes: ChangeFeed;
  readonly poller: ChangePoller;
  /** Time between two heartbeats in milliseconds. */
  readonly heartbeatMs: number;
}

/** Follows single reservations until they are resolved; each watcher reads its own when it hears that it changed. */
export function createReservationFeed(deps: ReservationFeedDeps): ReservationFeed & { endAll(): void } {
  const watchers = new Set<Watcher>();
  const endAll = () => {
    for (const watcher of watchers) {
      watcher.closed = true;
      watcher.bell.ring();
    }
  };
  deps.poller.listeners.add({
    isNeeded: () => watchers.size > 0,
    onReset: endAll,
    onChanges: async ({ reservationIds }) => {
      const changed = new Set(reservationIds);
      for (const watcher of watchers) {
        // One that has not found its reservation yet may be reading the state from before the change.
        if (watcher.reservationId === '' || changed.has(watcher.reservationId)) watcher.bell.ring();
      }
    },
  });
  return {
    endAll,
    watch: (target, token, signal) => watch(target, token, signal, { ...deps, watchers }),
  };
}

interface WatchDeps extends ReservationFeedDeps {
  readonly watchers: Set<Watcher>;
}

async function* watch(
  target: Target,
  token: string,
  signal: AbortSignal,
  deps: WatchDeps,
): AsyncGenerator<ReservationStreamEvent> {
  let sent = token === '' ? '' : readResumeToken(TOKEN_KIND, token, 1)[0];
  const watcher: Watcher = { bell: createBell(), reservationId: '', closed: false };
  deps.watchers.add(watcher);
  try {
    let beatAt = performance.now() + deps.heartbeatMs;
    while (!signal.aborted && !watcher.closed) {
      const { asOf } = deps.poller.current() ?? (await startReading(deps));
      // Found again each time: by exchange it may be a later reservation by now.
      const reservation = await deps.reservations.find(target);
      if (reservation === null) throw new UnknownTarget(target);
      watcher.reservationId = reservation.reservationId;
      const state = `${reservation.reservationId} ${reservation.version}`;
      const resumeToken = makeResumeToken(TOKEN_KIND, [state]);
      if (state !== sent) {
        sent = state;
        yield { type: 'update', reservation, resumeToken };
      } else if (performance.now() >= beatAt) {
        beatAt = performance.now() + deps.heartbeatMs;
        yield { type: 'heartbeat', asOf, resumeToken };
      }
      // A resolved reservation never changes again, so neither this caller nor one that resumes has more to wait for.
      if (!isLive(reservation)) return;
      await watcher.bell.wait(beatAt - performance.now(), signal);
    }
  } finally {
    deps.watchers.delete(watcher);
  }
}

async function startReading({ changes, poller }: WatchDeps) {
  const read = await changes.position();
  poller.startFrom(read);
  return read;
}
