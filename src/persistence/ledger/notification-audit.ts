import { NOTIFICATION_RETENTION_MS } from '../notifications.ts';
import type { Statement } from '../statements.ts';
import { DRIFTS_MAX } from './drift-list.ts';
import { FIRST_ID, LAST_ID } from './reservation-audit.ts';
import { type AuditRun, onSnapshot } from './snapshot.ts';

/** These rows are compared by PostgreSQL and cost us nothing, so a chunk of them is this many times larger. */
const ROWS_PER_CHUNK_ROW = 20;

/** Pruning may be that much earlier than the retention, in milliseconds: an hour. */
const RETENTION_MARGIN_MS = 3_600_000;

type WrongNotice = { tracking_id: string; kind: string; expected: number; actual: number };

/**
 * Holds the notifications against the reservations: what ended by the clock or by a release, or was overdue, was told of
 * once, and nothing was told that did not happen. What was made before there were notifications told nobody.
 */
export async function auditNotifications(run: AuditRun): Promise<void> {
  let after: string | null = FIRST_ID;
  while (after !== null) {
    const from: string = after;
    const chunk = await onSnapshot(run, async (query) => {
      const [end] = await query<{ reservation_id: string }>({
        name: 'audit-notification-chunk',
        text: `select reservation_id from reservation where reservation_id > $1::uuid
          order by reservation_id offset $2::int limit 1`,
        values: [from, run.chunkSize * ROWS_PER_CHUNK_ROW - 1],
      });
      const last = end?.reservation_id ?? null;
      return { last, rows: await query<WrongNotice>(wrongNotices(from, last)) };
    });
    for (const { tracking_id, kind, expected, actual } of chunk.rows) {
      run.drifts.add('NOTIFICATION', expected, actual, `notifications of kind ${kind}`, { trackingId: tracking_id });
    }
    after = chunk.last;
  }
}

/** The last chunk is open at its end, so that notifications of no reservation are found too. */
function wrongNotices(from: string, upTo: string | null): Statement {
  return {
    name: 'audit-notifications',
    text: `with made as (
        select reservation_id, tracking_id, state, overdue_flagged,
          create_time > greatest(now() - make_interval(secs => $3::float8 / 1000),
            (select executed_at from mikro_orm_migrations where name = '009-notifications')) as is_kept
        from reservation where reservation_id > $1::uuid and reservation_id <= $2::uuid),
      happened as (
        select m.reservation_id, k.kind, m.is_kept from made m cross join lateral (values
          ('EXPIRED', m.state = 'EXPIRED'), ('RELEASED', m.state = 'RELEASED'), ('LATE_PICK', m.overdue_flagged)
        ) as k (kind, is_so) where k.is_so),
      told as (
        select reservation_id, kind from notification where reservation_id > $1::uuid and reservation_id <= $2::uuid)
      select coalesce(made.tracking_id, '') as tracking_id, kind,
        (made.reservation_id is not null and (happened.kind is not null
          or not kind = any($4::text[] || 'SUGGEST_REFUND'::text)))::int::float8 as expected,
        (told.kind is not null)::int::float8 as actual
      from happened full join told using (reservation_id, kind) left join made using (reservation_id)
      where case when told.kind is null then happened.is_kept
        else made.reservation_id is null or (happened.kind is null and kind = any($4::text[]))
          or (kind = 'SUGGEST_REFUND' and not exists (select 1 from audit_event e
            where e.reservation_id = made.reservation_id and e.kind = 'short')) end
      order by reservation_id, kind limit ${DRIFTS_MAX}`,
    values: [
      from,
      upTo ?? LAST_ID,
      NOTIFICATION_RETENTION_MS - RETENTION_MARGIN_MS,
      ['EXPIRED', 'RELEASED', 'LATE_PICK'],
    ],
  };
}
