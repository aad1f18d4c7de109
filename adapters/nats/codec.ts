import { type DescMessage, fromBinary, fromJson, type JsonValue, type MessageShape, toJson } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';

const JSON_TYPE = 'application/json';
const CLOUD_EVENTS_VERSION = '1.0';

/** What every message of ours carries in its body. */
type Identified = { readonly messageId: string; readonly occurredTime?: Timestamp | undefined };

export interface EnvelopeFacts {
  /** Where the event comes from, a URI reference such as `/earmark`. */
  readonly source: string;
  /** What the event is about: a tracking id or a SKU. */
  readonly subject: string;
  /** Rises with each event about the same subject. */
  readonly sequence: bigint;
  /** W3C trace context; empty for none. */
  readonly traceparent: string;
  /** What JetStream recognises a repetition by; the message id where absent. */
  readonly deduplicationId?: string;
}

export interface EncodedMessage {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** A message as JSON with CloudEvents 1.0 headers (binary mode). Zero values are written, so every number is there. */
export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc> & Identified,
  facts: EnvelopeFacts,
): EncodedMessage {
  const headers = createHeaders();
  headers.set('ce-specversion', CLOUD_EVENTS_VERSION);
  headers.set('ce-id', headerText(message.messageId));
  headers.set('ce-type', schema.typeName);
  headers.set('ce-source', facts.source);
  headers.set('ce-subject', headerText(facts.subject));
  headers.set('ce-sequence', facts.sequence.toString());
  if (message.occurredTime !== undefined) {
    headers.set('ce-time', timestampDate(message.occurredTime).toISOString());
  }
  headers.set('content-type', JSON_TYPE);
  headers.set('Nats-Msg-Id', facts.deduplicationId ?? headerText(message.messageId));
  if (facts.traceparent !== '') headers.set('traceparent', facts.traceparent);
  return { payload: utf8.encode(JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }))), headers };
}

/**
 * A message from JSON, or from binary protobuf where the content type says so. Unknown fields are passed over.
 * @throws Error with a short reason where the bytes are no such message
 */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  payload: Uint8Array,
  headers: MsgHdrs | undefined,
): MessageShape<Desc> {
  if (isBinary(headers)) return fromBinary(schema, payload);
  const json = JSON.parse(strictUtf8.decode(payload)) as JsonValue;
  return fromJson(schema, json, { ignoreUnknownFields: true });
}

/** The same message in its only form: for comparison and hashing. Map order and unknown fields make no difference. */
export function canonicalBytes<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array {
  return utf8.encode(`${schema.typeName}\n${JSON.stringify(sorted(toJson(schema, message)))}`);
}

/** The trace context of a message; empty where it has none. */
export function traceparentOf(headers: MsgHdrs | undefined): string {
  return headers?.get('traceparent') ?? '';
}

function isBinary(headers: MsgHdrs | undefined): boolean {
  const name = headers?.keys().find((key) => /^(content-type|ce-datacontenttype)$/i.test(key));
  return name !== undefined && headers?.get(name).toLowerCase().includes('protobuf') === true;
}

/** CloudEvents percent-encodes what a header cannot carry. */
function headerText(text: string): string {
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) =>
    [...utf8.encode(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}
