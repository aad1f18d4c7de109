import type { Page, PageRequest } from '../ports.ts';

/** Which events are meant: those for which everything that is set holds. An empty text or list means any. */
export interface AuditFilter {
  readonly trackingId: string;
  readonly reservationId: string;
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  /** Serial unit that the reservation holds or held. */
  readonly unitId: string;
  /** SKU that the reservation holds or held. */
  readonly sku: string;
  /** Warehouse in which the reservation holds or held units; with a SKU, units of it. */
  readonly warehouse: string;
  readonly actor: string;
  readonly kinds: readonly string[];
  /** Milliseconds since the Unix epoch, included; null means from the beginning. */
  readonly from: number | null;
  /** Milliseconds since the Unix epoch, not included; null means up to now. */
  readonly until: number | null;
}

export interface AuditEvent {
  readonly eventId: string;
  readonly reservationId: string;
  readonly trackingId: string;
  readonly exchangeId: string;
  readonly version: number;
  readonly kind: string;
  readonly actor: string;
  readonly actorType: string;
  readonly channel: string;
  readonly reason: string;
  readonly ruleVersion: number;
  /** The reservation before the event as JSON; empty for the first. */
  readonly beforeJson: string;
  readonly afterJson: string;
  /** Milliseconds since the Unix epoch by the database's clock. */
  readonly createdAt: number;
  readonly traceId: string;
  /** Empty for the first event of a reservation. */
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
  /** The canonical bytes: hashed behind the previous hash they give the hash. */
  readonly body: Uint8Array;
}

export interface EventReader {
  /**
   * Oldest first; where the filter names reservations, a SKU or a unit, reservation by reservation, the oldest first.
   * Behind the events come the refusals, in the order of their last time. A page may hold fewer events than asked for, or none: only the lack of a next one is the end.
   * @throws InvalidPageToken
   */
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>>;
}
