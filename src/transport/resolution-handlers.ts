import {
  type ExtendRequest,
  ExtendRequestSchema,
  type FulfilRequest,
  FulfilRequestSchema,
  type ReleaseRequest,
  ReleaseRequestSchema,
  type ReportMilestoneRequest,
  ReportMilestoneRequestSchema,
  ReservationService,
} from '../gen/earmark/v1/reservation_service_pb.ts';
import type { Outcome, UnitOfWork } from '../ports.ts';
import { reportMilestone } from '../use-cases/report-milestone.ts';
import { extendReservation, fulfilReservation, releaseReservation } from '../use-cases/resolve.ts';
import { contentHash } from './content-hash.ts';
import { toMilestone } from './milestone-mapping.ts';
import { toReleaseReason, toReservation, toTarget } from './reservation-mapping.ts';
import { toReservationAnswer } from './reserve-mapping.ts';
import { type Rpc, type RpcCall, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { fromTimestamp } from './wire-time.ts';

interface Deps {
  readonly unitOfWork: UnitOfWork;
}

/** Release, Fulfil, Extend and ReportMilestone. */
export function resolutionHandlers(deps: Deps): Rpc[] {
  return [
    unary(ReservationService.method.release, async (request, call) =>
      toReservationAnswer(await release(deps, request, call)),
    ),
    unary(ReservationService.method.fulfil, async (request, call) =>
      toReservationAnswer(await fulfil(deps, request, call)),
    ),
    unary(ReservationService.method.extend, async (request, call) =>
      toReservationAnswer(await extend(deps, request, call)),
    ),
    unary(ReservationService.method.reportMilestone, (request, call) => report(deps, request, call)),
  ];
}

function release(deps: Deps, request: ReleaseRequest, call: RpcCall): Promise<Outcome> {
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(ReleaseRequestSchema, request),
    target: toTarget(request.target),
    etag: request.etag,
    reason: toReleaseReason(request.reason),
    note: request.note,
  };
  return releaseReservation(deps, input, call);
}

function fulfil(deps: Deps, request: FulfilRequest, call: RpcCall): Promise<Outcome> {
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(FulfilRequestSchema, request),
    target: toTarget(request.target),
    lines: request.lines.map(({ lineNumber, quantity, unitIds }) => ({ lineNumber, quantity, unitIds })),
    close: request.close,
  };
  return fulfilReservation(deps, input, call);
}

function extend(deps: Deps, request: ExtendRequest, call: RpcCall): Promise<Outcome> {
  const expireAt = fromTimestamp(request.expireTime);
  if (expireAt === null) throw new TypeError('a validated request has its expire_time');
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(ExtendRequestSchema, request),
    target: toTarget(request.target),
    etag: request.etag,
    expireAt,
  };
  return extendReservation(deps, input, call);
}

async function report(deps: Deps, request: ReportMilestoneRequest, call: RpcCall) {
  const occurredAt = fromTimestamp(request.occurredTime);
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(ReportMilestoneRequestSchema, request),
    target: toTarget(request.target),
    milestone: toMilestone(request.milestone),
    occurredAt: occurredAt === null ? null : Math.floor(occurredAt),
    note: request.note,
  };
  const outcome = await reportMilestone(deps, input, call);
  if (!outcome.ok) throw refusedCall(outcome.refusal);
  if (outcome.answer.kind !== 'milestone') throw new TypeError('ReportMilestone answers with a milestone');
  const { reservation, applied } = outcome.answer;
  const shown = reservation === null ? {} : { reservation: toReservation(reservation) };
  return { ...shown, applied, replayed: outcome.replayed };
}
