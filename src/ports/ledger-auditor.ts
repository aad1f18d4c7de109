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

export interface LedgerReport {
  readonly reservationsChecked: number;
  readonly poolsChecked: number;
  readonly eventsChecked: number;
  readonly drifts: readonly Drift[];
}

export interface LedgerAuditor {
  /** Recomputes counters from lines and lines from audit events, in chunks with one snapshot each. */
  verify(signal?: AbortSignal): Promise<LedgerReport>;
}
