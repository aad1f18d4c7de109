import type { Pool } from 'pg';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { AuditEvent, AuditFilter, EventReader } from '../ports/event-reader.ts';
import type { RefusalPosition, Refusals, RefusedReserve } from '../ports/refusals.ts';
import type { Page } from '../ports.ts';
import { readEventBody } from './event-body.ts';
import { eventsQuery, type Position } from './event-query.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { isUuid } from './plan.ts';
import { mayBeRefused, REFUSED_KIND } from './refusals.ts';

export function createEventReader(pool: Pool, refusals: Refusals): EventReader {
  return {
    async list(filter, page) {
      const after = readPageToken(filter, page.token, 3);
      const refusedAfter = refusalPosition(after);
      if (refusedAfter !== undefined) return await listRefusals(refusals, filter, refusedAfter, page.size, []);
      const events = await listEvents(pool, filter, positionOf(after), page.size);
      if (events.nextPageToken !== '' || !mayBeRefused(filter)) return events;
      return await listRefusals(refusals, filter, null, page.size - events.rows.length, events.rows);
    },
  };
}

/** In the place of an event's instant: the page goes on with refusals. */
const REFUSALS_MARK = 'r';

/** Behind the last event come the refusals, so many as the page has room for. */
async function listRefusals(
  refusals: Refusals,
  filter: AuditFilter,
  after: RefusalPosition | null,
  room: number,
  events: readonly AuditEvent[],
): Promise<Page<AuditEvent>> {
  const { rows, next } = await refusals.list(filter, after, Math.max(room, 1));
  const fitting = rows.slice(0, room);
  const from = rows.length > fitting.length ? (fitting.at(-1) ?? after) : next;
  const isMore = rows.length > fitting.length || next !== null;
  const position = [`${REFUSALS_MARK}${from?.refusedAt ?? ''}`, from?.exchangeId ?? '', from?.reason ?? ''];
  return {
    rows: [...events, ...fitting.map(refusalEvent)],
    nextPageToken: isMore ? makePageToken(filter, position) : '',
  };
}

/** Undefined where a page is about events; null where the refusals begin. */
function refusalPosition(parts: readonly string[] | null): RefusalPosition | null | undefined {
  const [mark = '', exchangeId = '', reason = ''] = parts ?? [];
  if (!mark.startsWith(REFUSALS_MARK)) return undefined;
  const refusedAt = mark.slice(REFUSALS_MARK.length);
  if (refusedAt === '') return null;
  if (!/^\d{1,15}$/.test(refusedAt)) throw new InvalidPageToken();
  return { refusedAt: Number(refusedAt), exchangeId, reason: reason as RefusedReserve['reason'] };
}

/** A refusal among the events. It is in no chain, for it changed nothing and is forgotten after its time. */
function refusalEvent(refused: RefusedReserve): AuditEvent {
  const { message, metadata, times } = refused;
  return {
    eventId: '',
    reservationId: '',
    trackingId: '',
    exchangeId: refused.exchangeId,
    version: 0,
    kind: REFUSED_KIND,
    actor: refused.actor,
    actorType: refused.actorType,
    channel: refused.channel,
    reason: refused.reason,
    ruleVersion: refused.ruleVersion,
    beforeJson: '',
    afterJson: JSON.stringify({ message, metadata, times, firstTime: new Date(refused.firstAt).toISOString() }),
    createdAt: refused.refusedAt,
    traceId: refused.traceId,
    previousHash: new Uint8Array(),
    hash: new Uint8Array(),
    body: new Uint8Array(),
  };
}

interface EventRow {
  readonly looked_at: number;
  readonly last_at: number | null;
  readonly last_reservation_id: string | null;
  readonly last_version: number | null;
  /** Null in the one row of a page without events. */
  readonly event_id: string | null;
  readonly reservation_id: string;
  readonly tracking_id: string;
  readonly exchange_id: string;
  readonly version: number;
  readonly kind: string;
  readonly actor: string;
  readonly created_at: number;
  readonly body: Buffer;
  readonly hash: Buffer;
  readonly body_before: Buffer | null;
  readonly previous_hash: Buffer | null;
}

async function listEvents(
  pool: Pool,
  filter: AuditFilter,
  after: Position | null,
  size: number,
): Promise<Page<AuditEvent>> {
  if (filter.reservationId !== '' && !isUuid(filter.reservationId)) return { rows: [], nextPageToken: '' };
  const query = eventsQuery(filter, after, size);
  const result = await pool.query<EventRow>(query.statement);
  const found = result.rows.filter((row) => row.event_id !== null);
  const rows = found.slice(0, size).map(toEvent);
  const next = found.length > size ? rows.at(-1) : lastLookedAt(result.rows[0], query.lookedAtMax);
  if (next === undefined) return { rows, nextPageToken: '' };
  return {
    rows,
    nextPageToken: makePageToken(filter, [String(next.createdAt), next.reservationId, String(next.version)]),
  };
}

/** The last row that was looked at, where there may be more behind it. */
function lastLookedAt(row: EventRow | undefined, lookedAtMax: number): Position | undefined {
  if (row === undefined || row.looked_at < lookedAtMax) return undefined;
  const { last_at: createdAt, last_reservation_id: reservationId, last_version: version } = row;
  if (createdAt === null || reservationId === null || version === null) return undefined;
  return { createdAt, reservationId, version };
}

function positionOf(parts: readonly string[] | null): Position | null {
  if (parts === null) return null;
  const [createdAt = '', reservationId = '', version = ''] = parts;
  if (!/^\d{1,15}$/.test(createdAt) || !isUuid(reservationId) || !/^\d{1,9}$/.test(version))
    throw new InvalidPageToken();
  return { createdAt: Number(createdAt), reservationId, version: Number(version) };
}

/** What the bytes say; bytes that say nothing leave it empty, which verifying the ledger names. */
function toEvent(row: EventRow): AuditEvent {
  const facts = readEventBody(row.body.toString())?.facts;
  const before = row.body_before === null ? null : readEventBody(row.body_before.toString());
  return {
    eventId: row.event_id ?? '',
    reservationId: row.reservation_id,
    trackingId: row.tracking_id,
    exchangeId: row.exchange_id,
    version: row.version,
    kind: row.kind,
    actor: row.actor,
    actorType: facts?.actorType ?? '',
    channel: facts?.channel ?? '',
    reason: facts?.reason ?? '',
    ruleVersion: facts?.ruleVersion ?? 0,
    beforeJson: before?.facts.afterJson ?? '',
    afterJson: facts?.afterJson ?? '',
    createdAt: row.created_at,
    traceId: facts?.traceId ?? '',
    previousHash: row.previous_hash ?? new Uint8Array(),
    hash: row.hash,
    body: row.body,
  };
}
