import { hash } from 'node:crypto';

/** What one audit event says, in the order it is hashed. */
export interface HashedEvent {
  readonly eventId: string;
  readonly reservationId: string;
  readonly version: number;
  readonly kind: string;
  readonly actor: string;
  readonly actorType: string;
  readonly channel: string;
  readonly reason: string;
  readonly ruleVersion: number;
  readonly createdAt: number;
  readonly traceId: string;
  /** The reservation after the event, byte for byte as stored. */
  readonly afterJson: string;
}

/** The hash before the first event of a reservation. */
export const NO_HASH: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 over the previous event's hash and this event's fields as a JSON array: changing, dropping or reordering
 * any event of a reservation breaks every later link.
 */
export function hashEvent(previousHash: Uint8Array, event: HashedEvent): Buffer {
  const fields = [
    Buffer.from(previousHash).toString('hex'),
    event.eventId,
    event.reservationId,
    event.version,
    event.kind,
    event.actor,
    event.actorType,
    event.channel,
    event.reason,
    event.ruleVersion,
    event.createdAt,
    event.traceId,
    event.afterJson,
  ];
  return hash('sha256', JSON.stringify(fields), 'buffer');
}
