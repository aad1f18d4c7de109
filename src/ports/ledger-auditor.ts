import type { Checkpoint } from './checkpoints.ts';

export interface Drift {
  readonly sku: string;
  readonly warehouse: string;
  readonly kind: string;
  readonly expected: number;
  readonly actual: number;
  readonly detail: string;
  readonly trackingId: string;
  readonly eventId: string;
}

/** A checkpoint as somebody has kept it outside the database. */
export type KnownCheckpoint = Pick<Checkpoint, 'size' | 'root'>;

export interface LedgerCounts {
  readonly reservationsChecked: number;
  readonly poolsChecked: number;
  readonly eventsChecked: number;
}

export interface LedgerReport extends LedgerCounts {
  readonly drifts: readonly Drift[];
  /** Events that are too young for the last checkpoint. */
  readonly eventsUncovered: number;
  /** The last checkpoint when the audit began; null where there was none. */
  readonly checkpoint: Checkpoint | null;
}

export interface VerifyOptions {
  /** Ends the audit between two chunks. */
  readonly signal?: AbortSignal;
  /** Held against the ledger beside those that are stored. */
  readonly knownCheckpoints?: readonly KnownCheckpoint[];
}

export interface LedgerAuditor {
  /** Recomputes counters from lines, lines from audit events and these from their checkpoints, in chunks. */
  verify(options?: VerifyOptions): Promise<LedgerReport>;
}
