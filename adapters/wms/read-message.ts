import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { SpanContext } from '@opentelemetry/api';
import type { StockCount } from '../../src/domain/counting.ts';
import type { StockCount as StockCountMessage } from '../../src/gen/earmark/v1/stock_pb.ts';
import { InventoryCountedSchema } from '../../src/gen/earmark/wms/v1/stock_reports_pb.ts';
import type { Verdict } from '../../src/ports.ts';
import type { WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { type RawMessage, readInbound } from '../nats/read-inbound.ts';
import { decodeToken, encodeToken, inboundTokens, TOKEN_BYTES_MAX } from '../nats/subjects.ts';
import { isHandled, isPickEvent, PICK_EVENT_SCHEMAS, UNSUPPORTED_EVENTS } from './inbound-events.ts';

/** A message that nobody can act upon, with the verdict on it. */
export interface Unreadable {
  readonly outcome: 'unreadable';
  /** Names the place in the dead letter queue; null for what is refused but not parked. */
  readonly parkedAs: string | null;
  readonly verdict: Verdict;
}

export type ReadMessage = { readonly outcome: 'read'; readonly message: WarehouseMessage } | Unreadable;

/** Decodes and checks one inbound message. Never throws. */
export function readMessage(wms: string, raw: RawMessage, trace: SpanContext | null): ReadMessage {
  const tokens = inboundTokens(raw.subject);
  const event = tokens === null ? null : decodeToken(tokens.event);
  if (tokens === null || event === null || (!isHandled(event) && !UNSUPPORTED_EVENTS.has(event))) {
    return unreadable('unknown-event', { field: 'event' });
  }
  if (!isHandled(event)) {
    return { outcome: 'unreadable', parkedAs: null, verdict: rejected('UNSUPPORTED', { feature: event }) };
  }
  if (decodeToken(tokens.messageId) === null) return unreadable('invalid-message-id', { field: 'message_id' });
  if (!isPickEvent(event)) {
    const checked = check(InventoryCountedSchema, raw, tokens.messageId);
    if ('outcome' in checked) return checked;
    const { message, contentHash } = checked;
    const counts = message.counts.map((count) => countOf(count, message.occurredTime));
    return {
      outcome: 'read',
      message: { ...factsOf(wms, message, contentHash, trace), event: 'inventory-counted', counts },
    };
  }
  const checked = check(PICK_EVENT_SCHEMAS[event], raw, tokens.messageId);
  if ('outcome' in checked) return checked;
  const { message, contentHash } = checked;
  const { trackingId, code } = message;
  const lines = message.lines.map(({ lineNumber, sku, quantity, unitIds }) => ({ lineNumber, sku, quantity, unitIds }));
  return { outcome: 'read', message: { ...factsOf(wms, message, contentHash, trace), event, trackingId, lines, code } };
}

type Checked<Desc extends DescMessage> = { readonly message: MessageShape<Desc>; readonly contentHash: Uint8Array };

function check<Desc extends DescMessage>(schema: Desc, raw: RawMessage, idToken: string): Checked<Desc> | Unreadable {
  const read = readInbound(schema, raw);
  if ('unreadable' in read) return unreadable(read.unreadable, { field: 'field' in read ? read.field : 'payload' });
  const { message } = read;
  const { messageId } = message as MessageShape<Desc> & { readonly messageId: string };
  if (encodeToken(messageId, TOKEN_BYTES_MAX) !== idToken)
    return unreadable('invalid-message-id', { field: 'message_id' });
  return read;
}

function factsOf(
  wms: string,
  message: { readonly messageId: string; readonly warehouse: string; readonly occurredTime?: Timestamp | undefined },
  contentHash: Uint8Array,
  trace: SpanContext | null,
) {
  const { messageId, warehouse } = message;
  return { wms, messageId, contentHash, warehouse, occurredAt: millisOf(message.occurredTime) ?? 0, trace };
}

/** A count without its own time was made when the message says it happened. */
function countOf(count: StockCountMessage, occurredTime: Timestamp | undefined): StockCount {
  return {
    sku: count.sku,
    warehouse: count.warehouse,
    onHand: count.onHand,
    unavailable: count.unavailable ?? null,
    committed: count.committed ?? null,
    expectedOnHand: count.expectedOnHand ?? null,
    countedAt: millisOf(count.countedTime) ?? millisOf(occurredTime),
    netOfReserved: count.netOfReserved,
  };
}

function millisOf(time: Timestamp | undefined): number | null {
  return time === undefined ? null : timestampMs(time);
}

function unreadable(parkedAs: string, metadata: Readonly<Record<string, string>>): Unreadable {
  return { outcome: 'unreadable', parkedAs, verdict: rejected('INVALID_FIELD', metadata) };
}

function rejected(reason: string, metadata: Readonly<Record<string, string>>): Verdict {
  return { kind: 'REJECTED', reason, metadata };
}
