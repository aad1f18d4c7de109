import { type Notice, noticesOf } from '../domain/notification.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Ids } from '../ports.ts';
import { instant, joinJson, jsonArray, type Statement } from './statements.ts';

/** What the unit has to tell people, in the commit that makes it true; nothing where there is nothing to tell. */
export function notificationStatements(work: WorkingSet, ids: Ids): Statement[] {
  const told = [...work.transitions.flatMap(noticesOf), ...work.notifications.added];
  const { acknowledged } = work.notifications;
  return [
    ...(told.length > 0 ? [insertNotifications(told, work.now, ids)] : []),
    ...(acknowledged.length === 0
      ? []
      : [
          {
            name: 'acknowledge-notifications',
            text: `update notification n set acknowledge_time = ${instant('$3::float8')}, acknowledged_by = w.acknowledged_by
              from unnest($1::uuid[], $2::text[]) as w (notification_id, acknowledged_by)
              where n.notification_id = w.notification_id`,
            values: [
              acknowledged.map((one) => one.notificationId),
              acknowledged.map((one) => one.acknowledgedBy),
              work.now,
            ],
          },
        ]),
  ];
}

/** Of one kind the first stands: nobody is told of the same reservation and matter twice. */
function insertNotifications(told: readonly Notice[], now: number, ids: Ids): Statement {
  return {
    name: 'insert-notifications',
    text: `insert into notification (notification_id, reservation_id, kind, facts, create_time)
      select notification_id, reservation_id, kind, facts, ${instant('$5::float8')}
      from unnest($1::uuid[], $2::uuid[], $3::text[], ${jsonArray('$4')})
        as n (notification_id, reservation_id, kind, facts)
      on conflict (reservation_id, kind) do nothing`,
    values: [
      told.map(() => ids.uuid()),
      told.map((notice) => notice.reservationId),
      told.map((notice) => notice.kind),
      joinJson(told.map((notice) => JSON.stringify(notice.facts))),
      now,
    ],
  };
}
