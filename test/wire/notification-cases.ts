import { NotificationService } from '../../src/gen/earmark/v1/notification_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { byExchange, reserveStep, type WireCase } from './wire-cases.ts';

const { listNotifications, acknowledgeNotification } = NotificationService.method;
const { release } = ReservationService.method;

/** What the notifications answer over every door. */
export const NOTIFICATION_CASES: readonly WireCase[] = [
  {
    name: 'tells that a reservation was released',
    before: (world) => [reserveStep(world), byExchange(release, world, { reason: 'RELEASE_REASON_REFUNDED' })],
    step: (world) => ({ method: listNotifications, request: { exchangeId: world.id('exchange') } }),
    code: 'OK',
    json: (world) => ({
      notifications: [
        {
          kind: 'NOTIFICATION_KIND_RELEASED',
          exchangeId: world.id('exchange'),
          message: 'Released as REFUNDED while RESERVED; 1 units are free again.',
          metadata: { units: '1', state: 'RESERVED', release_reason: 'REFUNDED' },
        },
      ],
    }),
  },
  {
    name: 'lists notifications by kind',
    before: (world) => [reserveStep(world), byExchange(release, world)],
    step: (world) => ({
      method: listNotifications,
      request: { exchangeId: world.id('exchange'), kinds: ['NOTIFICATION_KIND_EXPIRED'] },
    }),
    code: 'OK',
    json: () => ({}),
  },
  {
    name: 'refuses to acknowledge a notification nobody knows',
    step: (world) => ({
      method: acknowledgeNotification,
      request: { requestId: world.id('seen'), notificationId: world.id('none') },
    }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_NOTIFICATION',
    metadata: (world) => ({ notification_id: world.id('none') }),
  },
  {
    name: 'refuses a page token of another list of notifications',
    step: () => ({ method: listNotifications, request: { pageToken: 'bm90LWEtdG9rZW4' } }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['page_token'],
  },
];
