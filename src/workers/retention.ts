import type { Notifications } from '../ports/notifications.ts';
import type { PastCases } from '../ports/past-cases.ts';
import type { Refusals } from '../ports/refusals.ts';
import type { Outbox } from '../ports.ts';
import { type Loop, startLoop } from './loop.ts';

/** Rows deleted by one step, so that no step holds locks for long. */
const PRUNE_MAX = 5_000;

/** Pause between steps while nothing is old, in milliseconds. */
const IDLE_PAUSE_MS = 60_000;

const BUSY_PAUSE_MS = 100;

export interface RetentionDeps {
  readonly outbox: Outbox;
  /** How long published rows and request ids are kept, in milliseconds. */
  readonly keepMs: number;
  readonly refusals: Pick<Refusals, 'prune'>;
  /** How long refusals are kept, in milliseconds. */
  readonly keepRefusalsMs: number;
  readonly notifications: Pick<Notifications, 'prune'>;
  /** How long notifications are kept, in milliseconds. */
  readonly keepNotificationsMs: number;
  readonly cases: Pick<PastCases, 'prune'>;
  /** How long the facts of requests that can be erased are kept, in milliseconds. */
  readonly keepFactsMs: number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Deletes published outbox rows, request ids, refusals, notifications and what requests said of customers after their time. */
export function startRetention(deps: RetentionDeps): Loop {
  return startLoop(async () => {
    const pruned = await deps.outbox.prune(deps.keepMs, PRUNE_MAX);
    const forgotten = await deps.refusals.prune(deps.keepRefusalsMs, PRUNE_MAX);
    const told = await deps.notifications.prune(deps.keepNotificationsMs, PRUNE_MAX);
    const erased = await deps.cases.prune(deps.keepFactsMs, PRUNE_MAX);
    return pruned + forgotten + told + erased > 0 ? BUSY_PAUSE_MS : IDLE_PAUSE_MS;
  }, deps);
}
