import type { Pool } from 'pg';
import { NOTIFICATION_KINDS, type Notification, type NotificationKind } from '../domain/notification.ts';
import type { NotificationFilter, Notifications } from '../ports/notifications.ts';
import type { Page, PageRequest } from '../ports.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { millis } from './statements.ts';

/** How long a notification is kept after it arose, in milliseconds: 90 days. */
export const NOTIFICATION_RETENTION_MS = 7_776_000_000;

/** Sorts behind every id. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export const NOTIFICATION_COLUMNS = `n.notification_id, n.reservation_id, n.kind, n.facts::text as facts,
  ${millis('n.create_time')} as created_at, ${millis('n.acknowledge_time')} as acknowledged_at, n.acknowledged_by,
  r.tracking_id, r.exchange_id`;

export interface NotificationRow {
  readonly notification_id: string;
  readonly reservation_id: string;
  readonly kind: NotificationKind;
  readonly facts: string;
  readonly created_at: number;
  readonly acknowledged_at: number | null;
  readonly acknowledged_by: string;
  readonly tracking_id: string;
  readonly exchange_id: string;
}

export function createNotifications(pool: Pool): Notifications {
  return {
    list: (filter, page) => list(pool, filter, page),
    async prune(olderThanMs, limit) {
      const result = await pool.query({
        name: 'prune-notifications',
        text: `delete from notification where notification_id = any(array(select o.notification_id
          from (select notification_id, create_time from notification order by notification_id limit $2::int) o
          where o.create_time < clock_timestamp() - make_interval(secs => $1::float8 / 1000)))`,
        values: [olderThanMs, limit],
      });
      return result.rowCount ?? 0;
    },
  };
}

async function list(pool: Pool, filter: NotificationFilter, page: PageRequest): Promise<Page<Notification>> {
  const token = readPageToken(filter, page.token, 1);
  const kinds = filter.kinds.length === 0 ? NOTIFICATION_KINDS : filter.kinds;
  const values: unknown[] = [kinds, token?.[0] ?? LAST_ID, page.size + 1];
  const isOfReservation = filter.trackingId !== '' || filter.exchangeId !== '';
  if (isOfReservation) values.push(filter.trackingId, filter.exchangeId, filter.includeAcknowledged);
  const result = await pool.query<NotificationRow>({
    name: isOfReservation
      ? 'notifications-of-reservation'
      : `notifications-${filter.includeAcknowledged ? 'all' : 'open'}`,
    text: isOfReservation ? OF_RESERVATION : ofKinds(filter.includeAcknowledged),
    values,
  });
  const rows = result.rows.slice(0, page.size).map(toNotification);
  const last = rows.at(-1);
  const more = result.rows.length > page.size && last !== undefined;
  return { rows, nextPageToken: more ? makePageToken(filter, [last.notificationId]) : '' };
}

/** One reservation has at most one of each kind, and one exchange few reservations. */
const OF_RESERVATION = `select ${NOTIFICATION_COLUMNS} from reservation r join notification n using (reservation_id)
  where ($4::text = '' or r.tracking_id = $4) and ($5::text = '' or r.exchange_id = $5)
    and n.kind = any($1::text[]) and n.notification_id < $2::uuid and ($6::bool or n.acknowledge_time is null)
  order by n.notification_id desc limit $3::int`;

/** The newest of each kind, of which the newest of all are taken. */
function ofKinds(includeAcknowledged: boolean): string {
  const newest = (which: string) => `(select * from notification o
    where o.kind = wanted.kind and o.notification_id < $2::uuid and o.acknowledge_time ${which}
    order by o.notification_id desc limit $3::int)`;
  const found = includeAcknowledged ? `${newest('is null')} union all ${newest('is not null')}` : newest('is null');
  return `select ${NOTIFICATION_COLUMNS} from (
      select f.* from unnest($1::text[]) as wanted (kind) cross join lateral (${found}) f
      order by f.notification_id desc limit $3::int) n
    join reservation r using (reservation_id) order by n.notification_id desc`;
}

export function toNotification(row: NotificationRow): Notification {
  return {
    notificationId: row.notification_id,
    reservationId: row.reservation_id,
    kind: row.kind,
    facts: JSON.parse(row.facts) as Record<string, string>,
    trackingId: row.tracking_id,
    exchangeId: row.exchange_id,
    createdAt: row.created_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
  };
}
