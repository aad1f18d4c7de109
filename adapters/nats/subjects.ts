/** The only builder of NATS subjects and of the tokens they are made of. */

const PREFIX = 'earmark.v1';

/** Bytes a token may have before it is encoded: ids, codes and events. */
export const TOKEN_BYTES_MAX = 64;
/** Bytes a SKU may have before it is encoded. */
export const SKU_BYTES_MAX = 128;

const PLAIN_BYTE = /^[A-Za-z0-9-]$/;
const PLAIN_TEXT = /^[A-Za-z0-9-]+$/;
const ESCAPED_TOKEN = /^(?:[A-Za-z0-9-]|_[0-9A-F]{2})+$/;
const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Events of `earmark.v1.out`, to a warehouse system. */
export type OutEvent =
  | 'reservation-requested'
  | 'reservation-changed'
  | 'reservation-released'
  | 'reserved-count-set'
  | 'pick-requested'
  | 'pick-cancelled';

/**
 * One subject token for any text: A–Z, a–z, 0–9 and `-` stay, every other byte of the UTF-8 form becomes `_XX`.
 * @throws RangeError for an empty text, one over `maxBytes`, or one that is not well-formed Unicode
 */
export function encodeToken(text: string, maxBytes = TOKEN_BYTES_MAX): string {
  if (text.length <= maxBytes && PLAIN_TEXT.test(text)) return text;
  const bytes = utf8.encode(text);
  if (bytes.length === 0 || bytes.length > maxBytes || !text.isWellFormed()) {
    throw new RangeError(`a subject token is made of 1 to ${maxBytes} bytes of well-formed text, got ${bytes.length}`);
  }
  let token = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    token += PLAIN_BYTE.test(char) ? char : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The text a token stands for, or null where the token is not the one {@link encodeToken} makes of any text. */
export function decodeToken(token: string, maxBytes = TOKEN_BYTES_MAX): string | null {
  if (!ESCAPED_TOKEN.test(token)) return null;
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token[at] !== '_') {
      bytes.push(token.charCodeAt(at));
      continue;
    }
    const byte = Number.parseInt(token.slice(at + 1, at + 3), 16);
    if (PLAIN_BYTE.test(String.fromCharCode(byte))) return null;
    bytes.push(byte);
    at += 2;
  }
  if (bytes.length > maxBytes) return null;
  try {
    return strictUtf8.decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

export function encodeSku(sku: string): string {
  return encodeToken(sku, SKU_BYTES_MAX);
}

/** @param key the tracking id, or for `reserved-count-set` the SKU */
export function outSubject(wms: string, event: OutEvent, site: string, key: string): string {
  const keyToken = event === 'reserved-count-set' ? encodeSku(key) : encodeToken(key);
  return `${PREFIX}.out.${encodeToken(wms)}.${event}.${encodeToken(site)}.${keyToken}`;
}

export function inSubject(wms: string, event: string, messageId: string): string {
  return `${PREFIX}.in.${encodeToken(wms)}.${encodeToken(event)}.${encodeToken(messageId)}`;
}

export function stateSubject(wms: string, site: string, sku: string): string {
  return `${PREFIX}.state.${encodeToken(wms)}.${encodeToken(site)}.${encodeSku(sku)}`;
}

export function eventSubject(event: string, trackingId: string): string {
  return `${PREFIX}.event.${encodeToken(event)}.${encodeToken(trackingId)}`;
}

export function availabilitySubject(site: string, sku: string): string {
  return `${PREFIX}.availability.${encodeToken(site)}.${encodeSku(sku)}`;
}

export function ackSubject(wms: string, event: string, messageId: string): string {
  return ackSubjectOfTokens(encodeToken(wms), encodeToken(event), encodeToken(messageId));
}

/** The verdict's subject for a message of which only the subject tokens are known. */
export function ackSubjectOfTokens(wmsToken: string, eventToken: string, idToken: string): string {
  return `${PREFIX}.ack.${wmsToken}.${eventToken}.${idToken}`;
}

export function dlqSubject(stream: string, wms: string, reason: string): string {
  return `${PREFIX}.dlq.${encodeToken(stream, STREAM_NAME_BYTES_MAX)}.${encodeToken(wms)}.${encodeToken(reason)}`;
}

/** Where the exchange platform reports the milestones of one exchange. */
export function milestoneSubject(exchangeId: string): string {
  return `${PREFIX}.exchange.milestone.${encodeToken(exchangeId)}`;
}

/** The milestones of all exchanges. */
export const MILESTONE_FILTER = `${PREFIX}.exchange.milestone.*`;

/** The exchange a subject of the exchange platform is about, or null where its last token is none. */
export function exchangeOf(subject: string): string | null {
  return decodeToken(subject.split('.')[4] ?? '');
}

/** Where a simulated warehouse answers with its own picture of stock. */
export function pictureSubject(wms: string): string {
  return `${PREFIX}.sim.${encodeToken(wms)}.picture`;
}

/** All outbound messages of one warehouse system. */
export function outFilter(wms: string): string {
  return `${PREFIX}.out.${encodeToken(wms)}.>`;
}

/** All inbound messages of one warehouse system. */
export function inFilter(wms: string): string {
  return `${PREFIX}.in.${encodeToken(wms)}.*.*`;
}

/** All state values of one warehouse system. */
export function stateFilter(wms: string): string {
  return `${PREFIX}.state.${encodeToken(wms)}.>`;
}

/** The inbound stream of one warehouse system. */
export function inStreamName(wms: string): string {
  return `EARMARK_IN_${encodeToken(wms)}`;
}

/** `EARMARK_IN_` and a token of which every byte is escaped. */
const STREAM_NAME_BYTES_MAX = 'EARMARK_IN_'.length + 3 * TOKEN_BYTES_MAX;

/** Every stream but the inbound ones, with the subjects it keeps. */
export const STREAM_SUBJECTS = {
  EARMARK_OUT: `${PREFIX}.out.*.*.*.*`,
  EARMARK_STATE: `${PREFIX}.state.*.*.*`,
  EARMARK_EVENT: `${PREFIX}.event.*.*`,
  EARMARK_AVAILABILITY: `${PREFIX}.availability.*.*`,
  EARMARK_EXCHANGE: `${PREFIX}.exchange.*.*`,
  EARMARK_ACK: `${PREFIX}.ack.*.*.*`,
  EARMARK_DLQ: `${PREFIX}.dlq.*.*.*`,
} as const;

/** The stream of each first token after the version. */
const STREAM_OF_TOKEN = new Map(
  Object.entries(STREAM_SUBJECTS).map(([stream, filter]) => [
    filter.split('.')[2],
    stream as keyof typeof STREAM_SUBJECTS,
  ]),
);

/** The stream that keeps a subject. @throws RangeError for a subject that none of them keeps */
export function streamOf(subject: string): keyof typeof STREAM_SUBJECTS {
  const stream = STREAM_OF_TOKEN.get(subject.split('.', 3)[2]);
  if (stream === undefined) throw new RangeError(`no stream keeps ${subject}`);
  return stream;
}

export interface InboundTokens {
  readonly wms: string;
  readonly event: string;
  readonly messageId: string;
}

/** The still encoded tokens of an inbound subject, or null for any other subject. */
export function inboundTokens(subject: string): InboundTokens | null {
  const [product, version, direction, wms, event, messageId, ...rest] = subject.split('.');
  if (`${product}.${version}` !== PREFIX || direction !== 'in' || rest.length > 0) return null;
  if (wms === undefined || event === undefined || messageId === undefined) return null;
  return { wms, event, messageId };
}
