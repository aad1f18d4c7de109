import type { Drift } from '../../ports/ledger-auditor.ts';

/** Drifts one report holds; where there are more, the first ones tell what is wrong. */
export const DRIFTS_MAX = 1_000;

/** What can be wrong. Each names the rule that does not hold. */
export type DriftKind =
  /** A pool's reserved is not the sum of what its allocations hold. */
  | 'RESERVED_COUNTER'
  /** A pool's on hand, unavailable or committed is not the sum of its movements. */
  | 'ON_HAND_COUNTER'
  /** More is promised than is there, and the open shortage does not say so, or says another number. */
  | 'SHORTAGE'
  /** A pool's safety stock or low threshold is not what the rules said when it last changed. */
  | 'SAFETY_STOCK'
  /** The exchange minimum of an item is not shared out over its pools as the rules said when one last changed. */
  | 'EXCHANGE_MINIMUM'
  /** An allocation is not what the last audit event says. */
  | 'ALLOCATION'
  /** A reservation is not what its last audit event says. */
  | 'STATE'
  /** Units of an allocation appeared or vanished. */
  | 'CONSERVATION'
  /** Something followed the end of a reservation. */
  | 'TRANSITION'
  /** The versions of the audit events are not 1 to n. */
  | 'VERSION_GAP'
  /** An audit event is not what it was when it was written. */
  | 'HASH_CHAIN'
  /** A column of an audit event is not what its bytes say. */
  | 'EVENT_COLUMN'
  /** An audit event is gone that a checkpoint covered. */
  | 'REMOVED_EVENT'
  /** An audit event is not the one that a checkpoint covered. */
  | 'ALTERED_EVENT'
  /** An audit event is not covered by the checkpoint that should cover it. */
  | 'UNCOVERED_EVENT'
  /** The leaves are not those over which a checkpoint was made. */
  | 'CHECKPOINT'
  /** An audit event has not exactly one outbox row. */
  | 'OUTBOX'
  /** People were not told of what happened to a reservation, or were told of what did not. */
  | 'NOTIFICATION'
  /** A unit is held twice, or held where nothing is reserved. */
  | 'UNIT'
  /** An order line's exchanged units are not what its reservations hold and consumed. */
  | 'ORDER_LINE'
  /** An exchange does not point to its newest reservation. */
  | 'EXCHANGE'
  /** The queue is not what reservations wait for, or one waits without being WAITLISTED. */
  | 'WAITLIST'
  /** A pick awaits what its rules do not name or what was reported, or was asked for too early. */
  | 'PICK'
  /** A resolved reservation still holds units. */
  | 'LIVE_ALLOCATION';

type Place = Partial<Pick<Drift, 'sku' | 'warehouse' | 'trackingId' | 'eventId'>>;

/** The drifts found so far, at most {@link DRIFTS_MAX}. */
export class DriftList {
  readonly found: Drift[] = [];

  add(kind: DriftKind, expected: number, actual: number, detail: string, place: Place): void {
    if (this.found.length >= DRIFTS_MAX) return;
    this.found.push({ sku: '', warehouse: '', trackingId: '', eventId: '', ...place, kind, expected, actual, detail });
  }
}
