import type { Statement } from '../statements.ts';
import { DRIFTS_MAX } from './drift-list.ts';
import { FIRST_ID, LAST_ID } from './reservation-audit.ts';
import { type AuditRun, onSnapshot } from './snapshot.ts';

/** Published rows are kept this long; events older than that may have lost theirs. */
export const OUTBOX_KEPT_MS = 7 * 86_400_000;

/** An event is younger than its row by the length of its transaction; pruning may be that much earlier. */
const RETENTION_MARGIN_MS = 3_600_000;

/** Events compared at once: large, because each chunk reads all rows of the outbox. */
const OUTBOX_CHUNK_EVENTS = 250_000;

/** Sorts behind every key. */
const LAST_KEY = '\u{10ffff}';

type WrongRow = { key: string; tracking_id: string; event_id: string; version: number; sent: number };

/** Every state change has exactly one message of its version, and every message tells of a state change. */
export async function auditOutbox(run: AuditRun): Promise<void> {
  let after: string | null = FIRST_ID;
  while (after !== null) {
    const from: string = after;
    const chunk = await onSnapshot(run, async (query) => {
      const [end] = await query<{ reservation_id: string }>({
        name: 'audit-outbox-chunk',
        text: `select reservation_id from audit_event where reservation_id > $1::uuid
          order by reservation_id offset $2::int limit 1`,
        values: [from, OUTBOX_CHUNK_EVENTS],
      });
      const last = end?.reservation_id ?? null;
      return { last, rows: await query<WrongRow>(wrongRows(from, last)) };
    });
    for (const { key, tracking_id, event_id, version, sent } of chunk.rows) {
      const expected = event_id === '' ? 0 : 1;
      const detail = `messages of ${key} version ${version}`;
      run.drifts.add('OUTBOX', expected, sent, detail, { trackingId: tracking_id, eventId: event_id });
    }
    after = chunk.last;
  }
}

/** The first and the last chunk are open, so that messages of no reservation at all are found too. */
function wrongRows(from: string, upTo: string | null): Statement {
  const keys = [from === FIRST_ID ? '' : from, upTo ?? LAST_KEY];
  return {
    name: 'audit-outbox',
    text: `with event as (
        select reservation_id::text as key, version::bigint as version, reservation_id, event_id,
          create_time > now() - make_interval(secs => $5::float8 / 1000) as young
        from audit_event where reservation_id > $1::uuid and reservation_id <= $2::uuid),
      sent as (
        select key, version, count(*)::int as sent from outbox
        where topic = 'reservation' and key collate "C" > $3::text and key collate "C" <= $4::text
        group by key, version)
      select key, coalesce(event.event_id::text, '') as event_id, version::float8 as version,
        coalesce(sent.sent, 0) as sent,
        coalesce((select r.tracking_id from reservation r where r.reservation_id = event.reservation_id), '') as tracking_id
      from event full join sent using (key, version)
      where case when event.event_id is null then true when event.young then coalesce(sent.sent, 0) <> 1
        else coalesce(sent.sent, 0) > 1 end
      order by 1, 3 limit ${DRIFTS_MAX}`,
    values: [from, upTo ?? LAST_ID, ...keys, OUTBOX_KEPT_MS - RETENTION_MARGIN_MS],
  };
}
