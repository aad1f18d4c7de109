import { create } from '@bufbuild/protobuf';
import type * as domain from '../domain/reservation.ts';
import { fulfilledUnits, isLive, isReplaced, reservedUnits, shortUnits, waitingUnits } from '../domain/reservation.ts';
import { etagOf } from '../domain/transition.ts';
import type { Target } from '../domain/working-set.ts';
import {
  type Allocation,
  AllocationSchema,
  DeliveryEstimateSchema,
  Milestone,
  ReleaseReason,
  type Reservation,
  type ReservationLine,
  ReservationLineSchema,
  ReservationSchema,
  ReservationState,
} from '../gen/earmark/v1/reservation_pb.ts';
import { toTimestamp } from './wire-time.ts';

const STATE_NAMES = namesOf<domain.ReservationState>(ReservationState);
const RELEASE_REASON_NAMES = namesOf<domain.ReleaseReason>(ReleaseReason);

/** A reservation as callers see it. */
export function toReservation(reservation: domain.Reservation): Reservation {
  const message = create(ReservationSchema, {
    reservationId: reservation.reservationId,
    trackingId: reservation.trackingId,
    state: ReservationState[reservation.state],
    exchangeId: reservation.exchangeId,
    returnCaseId: reservation.returnCaseId,
    orderId: reservation.orderId,
    lines: reservation.lines.filter((line) => !isReplaced(line)).map(toLine),
    ruleVersion: BigInt(reservation.ruleVersion),
    createTime: toTimestamp(reservation.createdAt),
    expireTime: toTimestamp(reservation.expireAt),
    etag: etagOf(reservation),
    traceId: reservation.traceId,
    version: BigInt(reservation.version),
    priority: reservation.priority,
    channel: reservation.channel,
    customerRef: reservation.customerRef,
    pickAwaits: reservation.pickAwaits === undefined ? Milestone.UNSPECIFIED : Milestone[reservation.pickAwaits],
  });
  if (reservation.warehouseConfirmedAt !== null) {
    message.warehouseConfirmTime = toTimestamp(reservation.warehouseConfirmedAt);
  }
  if (isLive(reservation)) {
    message.deliveryEstimate = create(DeliveryEstimateSchema, { stockConfirmed: isStockConfirmed(reservation) });
  } else {
    message.resolveTime = toTimestamp(reservation.resolvedAt);
    if (reservation.releaseReason !== null) message.releaseReason = ReleaseReason[reservation.releaseReason];
  }
  return message;
}

function isStockConfirmed(reservation: domain.Reservation): boolean {
  return reservation.lines.every(
    (line) => reservedUnits(line) + fulfilledUnits(line) >= line.quantity && shortUnits(line) === 0,
  );
}

function toLine(line: domain.ReservationLine): ReservationLine {
  return create(ReservationLineSchema, {
    lineNumber: line.lineNumber,
    sku: line.sku,
    substitutedForSku: line.substitutedFor ?? '',
    quantity: line.quantity,
    reservedQuantity: reservedUnits(line),
    waitlistedQuantity: waitingUnits(line),
    fulfilledQuantity: fulfilledUnits(line),
    shortQuantity: shortUnits(line),
    pickedQuantity: line.allocations.reduce((sum, allocation) => sum + allocation.picked, 0),
    allocations: line.allocations
      .filter((allocation) => allocation.reserved > 0)
      .map((held) => toAllocation(held, line)),
    orderLineId: line.orderLineId,
    returnedSku: line.returnedSku,
  });
}

function toAllocation(allocation: domain.Allocation, line: domain.ReservationLine): Allocation {
  return create(AllocationSchema, {
    warehouse: allocation.warehouse,
    quantity: allocation.reserved,
    sku: line.sku,
    unitIds: (allocation.units ?? []).map((unit) => unit.unitId),
  });
}

type TargetField =
  | { readonly case: 'reservationId' | 'trackingId' | 'exchangeId'; readonly value: string }
  | { readonly case: undefined; readonly value?: undefined };

const TARGET_KINDS = { reservationId: 'reservation', trackingId: 'tracking', exchangeId: 'exchange' } as const;

/** Which reservation a request means; validation has made sure that it names one. */
export function toTarget(target: TargetField): Target {
  if (target.case === undefined) throw new TypeError('a validated request names its target');
  return { by: TARGET_KINDS[target.case], id: target.value };
}

/** The state a wire value stands for; validation has refused unknown values. */
export function toState(state: ReservationState): domain.ReservationState {
  const name = STATE_NAMES.get(state);
  if (name === undefined) throw new TypeError(`no state has the number ${state}`);
  return name;
}

/** The reason a wire value stands for; unspecified means MANUAL. */
export function toReleaseReason(reason: ReleaseReason): domain.ReleaseReason {
  return RELEASE_REASON_NAMES.get(reason) ?? 'MANUAL';
}

function namesOf<Name extends string>(values: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  const names = new Map<number, Name>();
  for (const [name, value] of Object.entries(values) as [Name | 'UNSPECIFIED', number][]) {
    if (name !== 'UNSPECIFIED') names.set(value, name);
  }
  return names;
}
