import { hash } from 'node:crypto';
import type { KeptRequest } from '../domain/asked-request.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { SeenPool } from '../domain/seen-pools.ts';

/** What one audit event says. */
export interface EventFacts {
  readonly eventId: string;
  readonly reservationId: string;
  /** The version the reservation had after the event. */
  readonly version: number;
  readonly kind: string;
  readonly actor: string;
  readonly actorType: string;
  readonly channel: string;
  readonly reason: string;
  readonly ruleVersion: number;
  /** Milliseconds since the Unix epoch by the database's clock. */
  readonly createdAt: number;
  readonly traceId: string;
  /** The reservation after the event as JSON. */
  readonly afterJson: string;
}

/** The facts of an event that its reservation does not tell itself. */
export type EventHeader = Omit<EventFacts, 'reservationId' | 'version' | 'ruleVersion' | 'afterJson'>;

/** The hash before the first event of a reservation. */
export const NO_HASH: Uint8Array = new Uint8Array(32);

/** First element of every body that is written now. Bodies of events before migration 005 begin with the event's id. */
const FORM = 2;

/**
 * The canonical bytes of an event, as UTF-8 text: a JSON array of the form's number, the header and the reservation after
 * the event. Everything an event says is read back from them, so that nothing can be said beside what was hashed. The
 * trace in which the reservation was made is not written twice.
 * @param seen the pools as the decision saw them, where it chose among some
 * @param asked what the request said that the reservation does not, where one made it
 */
export function writeEventBody(
  header: EventHeader,
  after: Reservation,
  seen: readonly SeenPool[] = [],
  asked: KeptRequest | null = null,
): string {
  const { eventId, kind, actor, actorType, channel, reason, createdAt } = header;
  const traceId = header.traceId === after.traceId ? '' : header.traceId;
  const fields = [FORM, eventId, kind, actor, actorType, channel, reason, createdAt, traceId, after];
  if (asked !== null) return JSON.stringify([...fields, seen, asked]);
  return JSON.stringify(seen.length === 0 ? fields : [...fields, seen]);
}

/** What an event says, with the reservation after it where the body tells of one; null for bytes that are no body. */
export interface ReadBody {
  readonly facts: EventFacts;
  readonly after: Reservation | null;
  /** Empty where the decision chose among no pools, or kept none. */
  readonly seen: readonly SeenPool[];
  /** Null where no request made the reservation, or requests were not kept yet. */
  readonly asked: KeptRequest | null;
}

export function readEventBody(text: string): ReadBody | null {
  const fields = parseArray(text);
  if (fields === null) return null;
  return fields[0] === FORM ? readBody(fields) : readFirstForm(fields);
}

function readBody(fields: readonly unknown[]): ReadBody | null {
  const [, eventId, kind, actor, actorType, channel, reason, createdAt, traceId, state, seen, asked] = fields;
  const after = reservationIn(state);
  const texts = [eventId, kind, actor, actorType, channel, reason, traceId];
  if (!texts.every((text) => typeof text === 'string') || typeof createdAt !== 'number') return null;
  const header = { eventId, kind, actor, actorType, channel, reason, createdAt, traceId } as EventHeader;
  const { reservationId = '', version = 0, ruleVersion = 0 } = after ?? {};
  const rest = { reservationId, version, ruleVersion, afterJson: JSON.stringify(state) };
  return {
    facts: { ...header, ...rest, traceId: header.traceId || (after?.traceId ?? '') },
    after,
    seen: seenIn(seen),
    asked: askedIn(asked),
  };
}

/** Bodies that migration 005 made of the columns of older events; the reservation is a text inside the JSON. */
function readFirstForm(fields: readonly unknown[]): ReadBody | null {
  const [eventId, reservationId, version, kind, actor, actorType, channel, reason] = fields;
  const [ruleVersion, createdAt, traceId, afterJson] = fields.slice(8);
  const texts = [eventId, reservationId, kind, actor, actorType, channel, reason, traceId, afterJson];
  const numbers = [version, ruleVersion, createdAt];
  if (!texts.every((text) => typeof text === 'string')) return null;
  if (!numbers.every((number) => typeof number === 'number')) return null;
  const header = { eventId, kind, actor, actorType, channel, reason, createdAt, traceId } as EventHeader;
  const rest = { reservationId, version, ruleVersion, afterJson } as Pick<
    EventFacts,
    Exclude<keyof EventFacts, keyof EventHeader>
  >;
  return { facts: { ...header, ...rest }, after: reservationIn(parse(rest.afterJson)), seen: [], asked: null };
}

/** The reservation after an event that is known to be whole. @throws TypeError where the body tells of none */
export function reservationAfter(text: string): Reservation {
  const after = readEventBody(text)?.after ?? null;
  if (after === null) throw new TypeError('an audit event tells of no reservation');
  return after;
}

/**
 * SHA-256 over the hash of the event before it and the body: changing, dropping or reordering any event of a reservation
 * breaks every later link. An event of the first form was hashed as one array with the hash before it in hexadecimal.
 */
export function hashEvent(previousHash: Uint8Array, body: Uint8Array): Buffer {
  return hash(
    'sha256',
    isFirstForm(body) ? firstFormInput(previousHash, body) : Buffer.concat([previousHash, body]),
    'buffer',
  );
}

const FIRST_FORM_START = Buffer.from('["');

function isFirstForm(body: Uint8Array): boolean {
  return FIRST_FORM_START.equals(body.subarray(0, FIRST_FORM_START.length));
}

function firstFormInput(previousHash: Uint8Array, body: Uint8Array): Buffer {
  const previous = `["${Buffer.from(previousHash).toString('hex')}",`;
  return Buffer.concat([Buffer.from(previous), body.subarray(1)]);
}

function reservationIn(state: unknown): Reservation | null {
  const found = state as Reservation | null | undefined;
  const readable = Array.isArray(found?.lines) && found.lines.every((line) => Array.isArray(line?.allocations));
  return readable ? found : null;
}

function seenIn(value: unknown): readonly SeenPool[] {
  const isPool = (pool: unknown) =>
    Array.isArray(pool) &&
    pool.length === 4 &&
    [pool[0], pool[1]].every((text) => typeof text === 'string') &&
    [pool[2], pool[3]].every((number) => typeof number === 'number');
  return Array.isArray(value) && value.every(isPool) ? (value as SeenPool[]) : [];
}

function askedIn(value: unknown): KeptRequest | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as KeptRequest) : null;
}

function parseArray(text: string): unknown[] | null {
  const value = parse(text);
  return Array.isArray(value) ? value : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
