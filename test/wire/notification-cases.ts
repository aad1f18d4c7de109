import { NotificationService } from '../../src/gen/earmark/v1/notification_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { byExchange, type CaseWorld, reserveStep, type Step, type WireCase } from './wire-cases.ts';

const { listNotifications, acknowledgeNotification } = NotificationService.method;
const { release } = ReservationService.method;
const { listShortages, putItems, countStock } = StockService.method;

function putItem(world: CaseWorld, sku: string): Step {
  return { method: putItems, request: { requestId: world.id('item'), items: [{ sku, name: 'Scarce' }] } };
}

function count(world: CaseWorld, sku: string, onHand: number, name: string): Step {
  const counts = [{ sku, warehouse: 'W1', onHand }];
  return { method: countStock, request: { requestId: world.id(name), reason: 'count', counts } };
}

/** What notifications and shortages answer over every door. */
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
    name: 'tells whose units a count took, and tells people of it',
    before: (world) => [
      putItem(world, world.id('scarce')),
      count(world, world.id('scarce'), 2, 'there'),
      reserveStep(world, { lines: [{ sku: world.id('scarce'), quantity: 2 }] }),
      count(world, world.id('scarce'), 1, 'fewer'),
    ],
    step: (world) => ({ method: listShortages, request: { skus: [world.id('scarce')] } }),
    code: 'OK',
    json: (world) => ({
      shortages: [{ sku: world.id('scarce'), warehouse: 'W1', quantity: 1, victims: [{ lineNumber: 1, quantity: 1 }] }],
    }),
  },
  {
    name: 'lists no shortage where nothing is missing',
    step: (world) => ({ method: listShortages, request: { skus: [world.sku], includeClosed: true } }),
    code: 'OK',
    json: () => ({}),
  },
  {
    name: 'refuses a page token of another list of shortages',
    step: () => ({ method: listShortages, request: { pageToken: 'bm90LWEtdG9rZW4' } }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['page_token'],
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
