import type { Pool } from 'pg';
import type { AuditEvent, AuditFilter, EventReader } from '../ports/event-reader.ts';
import type { Page, PageRequest } from '../ports.ts';
import { readEventBody } from './event-body.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { instant, millis } from './statements.ts';

export function createEventReader(pool: Pool): EventReader {
  return { list: (filter, page) => list(pool, filter, page) };
}

interface EventRow {
  readonly event_id: string;
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

/** Oldest first within a reservation; over all of them by reservation, then version. */
async function list(pool: Pool, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
  const after = readPageToken(filter, page.token, 2);
  const result = await pool.query<EventRow>({
    name: 'list-events',
    text: `select e.event_id, e.reservation_id, r.tracking_id, r.exchange_id, e.version, e.kind, e.actor,
        ${millis('e.create_time')} as created_at, e.body, e.hash, b.body as body_before, b.hash as previous_hash
      from audit_event e
      join reservation r using (reservation_id)
      left join audit_event b on b.reservation_id = e.reservation_id and b.version = e.version - 1
      where ($1::text = '' or e.reservation_id = (select t.reservation_id from reservation t where t.tracking_id = $1))
        and ($2::uuid is null or e.reservation_id = $2)
        and ($3::text = '' or e.kind = $3)
        and ($4::float8 is null or e.create_time >= ${instant('$4')})
        and ($5::float8 is null or e.create_time < ${instant('$5')})
        and ($6::uuid is null or (e.reservation_id, e.version) > ($6, $7::int))
      order by e.reservation_id, e.version limit $8::int`,
    values: [
      filter.trackingId,
      filter.reservationId === '' ? null : filter.reservationId,
      filter.kind,
      filter.from,
      filter.until,
      after?.[0] ?? null,
      after === null ? null : Number(after[1]),
      page.size + 1,
    ],
  });
  const rows = result.rows.slice(0, page.size).map(toEvent);
  const last = rows.at(-1);
  const more = result.rows.length > page.size && last !== undefined;
  return { rows, nextPageToken: more ? makePageToken(filter, [last.reservationId, String(last.version)]) : '' };
}

/** What the bytes say; bytes that say nothing leave it empty, which verifying the ledger names. */
function toEvent(row: EventRow): AuditEvent {
  const facts = readEventBody(row.body.toString())?.facts;
  const before = row.body_before === null ? null : readEventBody(row.body_before.toString());
  return {
    eventId: row.event_id,
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
