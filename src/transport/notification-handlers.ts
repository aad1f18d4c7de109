import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { customerText, NOTIFICATION_KINDS, type Notification, noticeText } from '../domain/notification.ts';
import {
  AcknowledgeNotificationRequestSchema,
  NotificationSchema,
  NotificationService,
  NotificationKind as WireKind,
} from '../gen/earmark/v1/notification_service_pb.ts';
import type { Notifications } from '../ports/notifications.ts';
import type { UnitOfWork } from '../ports.ts';
import { acknowledgeNotification } from '../use-cases/acknowledge-notification.ts';
import { contentHash } from './content-hash.ts';
import { toPageRequest } from './page-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toTimestamp } from './wire-time.ts';

interface Deps {
  readonly unitOfWork: UnitOfWork;
  readonly notifications: Notifications;
}

/** ListNotifications and AcknowledgeNotification. */
export function notificationHandlers(deps: Deps): Rpc[] {
  return [
    unary(NotificationService.method.listNotifications, async (request) => {
      const { trackingId, exchangeId, includeAcknowledged } = request;
      const kinds = NOTIFICATION_KINDS.filter((kind) => request.kinds.includes(WireKind[kind]));
      const filter = { kinds, trackingId, exchangeId, includeAcknowledged };
      const page = await deps.notifications.list(filter, toPageRequest(request));
      return { notifications: page.rows.map(toWire), nextPageToken: page.nextPageToken };
    }),
    unary(NotificationService.method.acknowledgeNotification, async (request, call) => {
      const { requestId, notificationId } = request;
      const key = { requestId, contentHash: contentHash(AcknowledgeNotificationRequestSchema, request) };
      const outcome = await acknowledgeNotification(deps, { ...key, notificationId }, call);
      if (!outcome.ok) throw refusedCall(outcome.refusal);
      if (outcome.answer.kind !== 'notification') throw new TypeError('it answers with the notification');
      return { notification: toWire(outcome.answer.notification), replayed: outcome.replayed };
    }),
  ];
}

function toWire(notification: Notification) {
  const { acknowledgedAt, kind, facts } = notification;
  const fields: MessageInitShape<typeof NotificationSchema> = {
    notificationId: notification.notificationId,
    kind: WireKind[kind],
    trackingId: notification.trackingId,
    exchangeId: notification.exchangeId,
    message: noticeText(notification),
    customerMessage: customerText(notification),
    metadata: { ...facts },
    createTime: toTimestamp(notification.createdAt),
    acknowledgedBy: notification.acknowledgedBy,
  };
  return create(NotificationSchema, {
    ...fields,
    ...(acknowledgedAt === null ? {} : { acknowledgeTime: toTimestamp(acknowledgedAt) }),
  });
}
