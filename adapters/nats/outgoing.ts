import type { OutboxRow } from '../../src/ports.ts';
import type { EncodedMessage } from './codec.ts';

/** Where every message of ours comes from, as CloudEvents names it. */
export const EVENT_SOURCE = '/earmark';

/** One message ready to be published. */
export interface OutgoingMessage extends EncodedMessage {
  readonly subject: string;
  readonly messageId: string;
}

/** A message of which only the newest per subject is kept, and which must never go backwards. */
export interface LastValueMessage extends OutgoingMessage {
  readonly stream: 'EARMARK_STATE' | 'EARMARK_AVAILABILITY';
  readonly epoch: bigint;
  readonly version: bigint;
}

/** What the messages of one outbox row have in common. */
export interface PublishContext {
  /** The warehouse system of a warehouse; empty where none is connected. */
  wmsOf(warehouse: string): string;
  readonly epoch: bigint;
  /** The trace context to put into the headers; empty for none. */
  readonly traceparent: string;
  /** Tells a refill after a loss from a repetition of what was lost; empty for rows of the outbox. */
  readonly refill: string;
}

export type ReservationRow = Extract<OutboxRow, { topic: 'reservation' }>;
export type PoolRow = Extract<OutboxRow, { topic: 'pool' }>;
export type VerdictRow = Extract<OutboxRow, { topic: 'verdict' }>;
