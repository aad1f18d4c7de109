import type { Pool } from 'pg';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { AuditEvent, AuditFilter, EventReader } from '../ports/event-reader.ts';
import type { Page, PageRequest } from '../ports.ts';
import { readEventBody } from './event-body.ts';
import { eventsQuery, type Position } from './event-query.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { isUuid } from './plan.ts';

export function createEventReader(pool: Pool): EventReader {
  return { list: (filter, page) => list(pool, filter, page) };
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

async function list(pool: Pool, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
  if (filter.reservationId !== '' && !isUuid(filter.reservationId)) return { rows: [], nextPageToken: '' };
  const query = eventsQuery(filter, positionOf(readPageToken(filter, page.token, 3)), page.size);
  const result = await pool.query<EventRow>(query.statement);
  const found = result.rows.filter((row) => row.event_id !== null);
  const rows = found.slice(0, page.size).map(toEvent);
  const next = found.length > page.size ? rows.at(-1) : lastLookedAt(result.rows[0], query.lookedAtMax);
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
