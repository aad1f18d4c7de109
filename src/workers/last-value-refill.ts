import { setTimeout as sleep } from 'node:timers/promises';
import type { StockReader, StockView } from '../ports.ts';

/** How often the stored last values are looked at, unless said otherwise. */
const CHECK_INTERVAL_MS = 30_000;
/** How soon after a check that failed. */
const RETRY_INTERVAL_MS = 2_000;

/** Where the last values are and how far they have come; none of the numbers falls by itself. */
export interface RefillMarks {
  readonly incarnation: string;
  readonly sequence: number;
  readonly values: number;
}

/** The last values outside the database, as far as noticing their loss and putting them back needs it. */
export interface RefillTarget {
  /** Null while they cannot be reached. */
  streams(): Promise<RefillMarks | null>;
  fill(views: readonly StockView[], epoch: bigint, signal: AbortSignal): Promise<void>;
}

export interface RefillDeps {
  readonly target: RefillTarget;
  readonly stock: Pick<StockReader, 'scan'>;
  /** Milliseconds between two looks. */
  readonly checkIntervalMs?: number;
  readonly report?: (
    event:
      | { readonly kind: 'refilled'; readonly pools: number }
      | { readonly kind: 'refill-failed'; readonly error: unknown },
  ) => void;
}

/**
 * Refills the last values of all pools from the database, never from the outbox: at first, and whenever they turn out
 * to have been deleted, made anew, or set back. Runs until the signal and never rejects.
 */
export async function keepLastValuesFilled(deps: RefillDeps, epoch: bigint, signal: AbortSignal): Promise<void> {
  let known: RefillMarks | null = null;
  while (!signal.aborted) {
    let delayMs = RETRY_INTERVAL_MS;
    try {
      const found = await deps.target.streams();
      if (found !== null) {
        if (known === null || haveLost(known, found)) await refill(deps, epoch, signal);
        known = found;
        delayMs = deps.checkIntervalMs ?? CHECK_INTERVAL_MS;
      }
    } catch (error) {
      if (!signal.aborted) deps.report?.({ kind: 'refill-failed', error });
    }
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

function haveLost(known: RefillMarks, found: RefillMarks): boolean {
  return found.incarnation !== known.incarnation || found.sequence < known.sequence || found.values < known.values;
}

async function refill(deps: RefillDeps, epoch: bigint, signal: AbortSignal): Promise<void> {
  let pools = 0;
  for await (const views of deps.stock.scan([], [])) {
    if (signal.aborted) return;
    await deps.target.fill(views, epoch, signal);
    pools += views.length;
  }
  deps.report?.({ kind: 'refilled', pools });
}
