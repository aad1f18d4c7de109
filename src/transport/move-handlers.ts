import { ShortfallPolicy } from '../gen/earmark/v1/reservation_pb.ts';
import {
  ReservationService,
  type SwapRequest,
  SwapRequestSchema,
  type TransferRequest,
  TransferRequestSchema,
} from '../gen/earmark/v1/reservation_service_pb.ts';
import type { Equivalents } from '../ports/equivalents.ts';
import type { WantedItems } from '../ports/wanted-items.ts';
import type { Outcome, UnitOfWork } from '../ports.ts';
import { chooseItems } from '../use-cases/choose-items.ts';
import { findEquivalents } from '../use-cases/find-equivalents.ts';
import { swapReservation } from '../use-cases/swap.ts';
import { transferReservation } from '../use-cases/transfer.ts';
import { contentHash } from './content-hash.ts';
import { toTarget } from './reservation-mapping.ts';
import { findUnsupported, toRequestedLine, toReservationAnswer } from './reserve-mapping.ts';
import { type Rpc, type RpcCall, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';

interface Deps {
  readonly unitOfWork: UnitOfWork;
  readonly wantedItems: WantedItems;
  readonly equivalents: Equivalents;
}

/** Swap and Transfer. */
export function moveHandlers(deps: Deps): Rpc[] {
  return [
    unary(ReservationService.method.swap, async (request, call) =>
      toReservationAnswer(await swap(deps, request, call)),
    ),
    unary(ReservationService.method.transfer, async (request, call) =>
      toReservationAnswer(await transfer(deps, request, call)),
    ),
  ];
}

async function swap(deps: Deps, request: SwapRequest, call: RpcCall): Promise<Outcome> {
  const refusal = findUnsupported(request);
  if (refusal !== null) throw refusedCall(refusal);
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(SwapRequestSchema, request),
    target: toTarget(request.target),
    etag: request.etag,
    lines: request.lines.map(toRequestedLine),
    partial: request.shortfallPolicy === ShortfallPolicy.PARTIAL,
    waitlist: request.shortfallPolicy === ShortfallPolicy.WAITLIST,
    acceptSubstitutes: request.acceptSubstitutes,
  };
  const [chosen = input] = await findEquivalents(deps, await chooseItems(deps, [input]));
  return swapReservation(deps, chosen, call);
}

function transfer(deps: Deps, request: TransferRequest, call: RpcCall): Promise<Outcome> {
  const input = {
    requestId: request.requestId,
    contentHash: contentHash(TransferRequestSchema, request),
    target: toTarget(request.target),
    etag: request.etag,
    toWarehouse: request.toWarehouse,
    lines: request.lines.map(({ lineNumber, quantity }) => ({ lineNumber, quantity })),
  };
  return transferReservation(deps, input, call);
}
