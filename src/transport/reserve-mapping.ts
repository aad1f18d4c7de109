import { create } from '@bufbuild/protobuf';
import type { ExchangeFacts } from '../domain/eligibility.ts';
import { type Refusal, refuse, unsupported } from '../domain/refusal.ts';
import type { RequestedLine } from '../domain/requested-line.ts';
import { RefusalSchema, type Refusal as WireRefusal } from '../gen/earmark/v1/refusal_pb.ts';
import { ShortfallPolicy } from '../gen/earmark/v1/reservation_pb.ts';
import {
  type ReserveLine,
  type ReserveRequest,
  ReserveRequestSchema,
  type ReserveResponse,
  ReserveResponseSchema,
  type ExchangeFacts as WireFacts,
} from '../gen/earmark/v1/reserve_pb.ts';
import type { Outcome } from '../ports.ts';
import type { ReserveInput } from '../use-cases/reserve.ts';
import { contentHash } from './content-hash.ts';
import { codeOf } from './refusal-status.ts';
import { toReservation } from './reservation-mapping.ts';
import { refusedCall } from './rpc-failure.ts';
import { fromDuration, fromTimestamp } from './wire-time.ts';

/** What a wire request asks of the use case, or why it cannot be asked in this version. */
export function toReserveInput(request: ReserveRequest): ReserveInput | Refusal {
  const refusal = findUnsupported(request);
  if (refusal !== null) return refusal;
  return {
    requestId: request.requestId,
    contentHash: contentHash(ReserveRequestSchema, request),
    exchangeId: request.exchangeId,
    returnCaseId: request.returnCaseId,
    orderId: request.orderId,
    customerRef: request.customerRef,
    channel: request.channel,
    lines: request.lines.map(toRequestedLine),
    facts: toFacts(request.facts),
    destination: {
      countryCode: request.destination?.countryCode ?? '',
      postalCode: request.destination?.postalCode ?? '',
    },
    partial: request.shortfallPolicy === ShortfallPolicy.PARTIAL,
    waitlist: request.shortfallPolicy === ShortfallPolicy.WAITLIST,
    acceptSubstitutes: request.acceptSubstitutes,
    holdWindowMs: fromDuration(request.holdWindow),
    priority: request.priority,
    validateOnly: request.validateOnly,
    replaceExisting: request.replaceExisting,
  };
}

export function isRefusal(value: object): value is Refusal {
  return 'metadata' in value && 'message' in value;
}

/** A field that would be ignored would be a promise broken in silence, so it is refused. */
export function findUnsupported(request: Pick<ReserveRequest, 'lines' | 'shortfallPolicy'>): Refusal | null {
  for (const line of request.lines) {
    if (line.lot !== '') return unsupported('lines.lot');
  }
  return null;
}

/** What nobody told is empty; only the time of delivery may be unknown. */
function toFacts(facts: WireFacts | undefined): ExchangeFacts {
  return {
    deliveredAt: fromTimestamp(facts?.deliveredTime),
    reason: facts?.reason ?? '',
    itemCondition: facts?.itemCondition ?? '',
    customerTier: facts?.customerTier ?? '',
    attributes: facts?.attributes ?? {},
  };
}

/** With neither a SKU nor attributes the replacement is like for like: the returned item itself. */
export function toRequestedLine(line: ReserveLine): RequestedLine {
  const isWanted = Object.keys(line.wantedAttributes).length > 0;
  return {
    sku: line.sku === '' && !isWanted ? line.returnedSku : line.sku,
    quantity: line.quantity,
    orderLineId: line.orderLineId,
    returnedSku: line.returnedSku,
    warehouse: line.warehouse,
    purchasedQuantity: line.purchasedQuantity,
    ...(isWanted ? { wantedAttributes: line.wantedAttributes } : {}),
    ...(line.unitIds.length > 0 && { unitIds: line.unitIds }),
  };
}

/** A success as an answer. @throws RpcFailure for a refusal */
export function toReserveResponse(outcome: Outcome): ReserveResponse {
  const { reservation, replayed } = reservationOf(outcome);
  return create(ReserveResponseSchema, { replayed, ...(reservation === null ? {} : { reservation }) });
}

/** The answer of every other change of a reservation. @throws RpcFailure for a refusal */
export function toReservationAnswer(outcome: Outcome) {
  const { reservation, replayed } = reservationOf(outcome);
  return { replayed, ...(reservation === null ? {} : { reservation }) };
}

/** The reservation a command answered with; null where the exchange never had one. @throws RpcFailure */
function reservationOf(outcome: Outcome) {
  if (!outcome.ok) throw refusedCall(outcome.refusal);
  if (outcome.answer.kind !== 'reservation') throw new TypeError('a reservation command answers with a reservation');
  const { reservation } = outcome.answer;
  return { reservation: reservation === null ? null : toReservation(reservation), replayed: outcome.replayed };
}

/** A refusal as part of an answer: the same code, reason and metadata a call of its own would have got. */
export function toWireRefusal(refusal: Refusal): WireRefusal {
  return create(RefusalSchema, {
    code: codeOf(refusal),
    reason: refusal.reason,
    message: refusal.message,
    metadata: { ...refusal.metadata },
  });
}

/** One outcome inside a batch or stream. */
export function toWireOutcome(outcome: Outcome) {
  return outcome.ok
    ? ({ case: 'reserved', value: toReserveResponse(outcome) } as const)
    : ({ case: 'refusal', value: toWireRefusal(outcome.refusal) } as const);
}

/** The outcome of a request that was refused before it reached the use case. */
export function refusedOutcome(refusal: Refusal): Outcome {
  return { ok: false, refusal };
}

/** What is said where an id names nothing. */
export function unknownReservation(by: string, id: string): Refusal {
  return refuse('UNKNOWN_RESERVATION', 'there is no such reservation', { [`${by}_id`]: id });
}
