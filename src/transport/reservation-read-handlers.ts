import { create } from '@bufbuild/protobuf';
import {
  type ListReservationsRequest,
  ReservationService,
  type WatchReservationResponse,
  WatchReservationResponseSchema,
} from '../gen/earmark/v1/reservation_service_pb.ts';
import type { ReservationFeed } from '../ports/feeds.ts';
import type { ReservationFilter, ReservationReader } from '../ports.ts';
import { toPageRequest } from './page-mapping.ts';
import { toReservation, toState, toTarget } from './reservation-mapping.ts';
import { unknownReservation } from './reserve-mapping.ts';
import { type Rpc, type RpcCall, serverStreaming, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { subscribed } from './subscribed.ts';
import { fromTimestamp, toTimestamp } from './wire-time.ts';

interface Deps {
  readonly reservations: ReservationReader;
  readonly reservationFeed: ReservationFeed;
}

type WatchTarget = Parameters<typeof toTarget>[0];

/** GetReservation, ListReservations and WatchReservation. */
export function reservationReadHandlers(deps: Deps): Rpc[] {
  return [
    unary(ReservationService.method.getReservation, async ({ target }) => {
      const wanted = toTarget(target);
      const found = await deps.reservations.find(wanted);
      if (found === null) throw refusedCall(unknownReservation(wanted.by, wanted.id));
      return { reservation: toReservation(found) };
    }),
    unary(ReservationService.method.listReservations, async (request) => {
      const page = await deps.reservations.list(toFilter(request), toPageRequest(request));
      return { reservations: page.rows.map(toReservation), nextPageToken: page.nextPageToken };
    }),
    serverStreaming(ReservationService.method.watchReservation, ({ target, resumeToken }, call) =>
      watch(deps, target, resumeToken, call),
    ),
  ];
}

async function* watch(
  deps: Deps,
  target: WatchTarget,
  token: string,
  call: RpcCall,
): AsyncGenerator<WatchReservationResponse> {
  for await (const event of subscribed(() => deps.reservationFeed.watch(toTarget(target), token, call.signal))) {
    const { resumeToken } = event;
    yield create(WatchReservationResponseSchema, {
      resumeToken,
      event:
        event.type === 'update'
          ? { case: 'update', value: toReservation(event.reservation) }
          : { case: 'heartbeat', value: { asOfTime: toTimestamp(event.asOf) } },
    });
  }
}

function toFilter(request: ListReservationsRequest): ReservationFilter {
  return {
    returnCaseId: request.returnCaseId,
    exchangeId: request.exchangeId,
    orderId: request.orderId,
    customerRef: request.customerRef,
    sku: request.sku,
    warehouse: request.warehouse,
    unitId: request.unitId,
    states: request.states.map(toState),
    createdBefore: fromTimestamp(request.createdBefore),
    expiresBefore: fromTimestamp(request.expiresBefore),
    onlyShort: request.onlyShort,
  };
}
