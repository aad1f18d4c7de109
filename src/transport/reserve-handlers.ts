import { refuse } from '../domain/refusal.ts';
import { ReservationService } from '../gen/earmark/v1/reservation_service_pb.ts';
import type { ReserveRequest } from '../gen/earmark/v1/reserve_pb.ts';
import type { Equivalents } from '../ports/equivalents.ts';
import type { WantedItems } from '../ports/wanted-items.ts';
import type { Ids, Outcome, UnitOfWork } from '../ports.ts';
import { chooseItems } from '../use-cases/choose-items.ts';
import { findEquivalents } from '../use-cases/find-equivalents.ts';
import { type ReserveInput, reserve } from '../use-cases/reserve.ts';
import { concurrently } from './concurrently.ts';
import { isRefusal, refusedOutcome, toReserveInput, toReserveResponse, toWireOutcome } from './reserve-mapping.ts';
import { bidiStreaming, type Rpc, type RpcCall, type StreamItem, unary } from './rpc.ts';

/** Requests of one stream that are being decided, or decided and not yet taken by the caller. */
export const RESERVE_STREAM_IN_FLIGHT_MAX = 256;

export interface ReserveDeps {
  readonly unitOfWork: UnitOfWork;
  readonly ids: Ids;
  readonly wantedItems: WantedItems;
  readonly equivalents: Equivalents;
}

/** Reserve, BatchReserve and ReserveStream: three ways into one use case. */
export function reserveHandlers(deps: ReserveDeps): Rpc[] {
  return [
    unary(ReservationService.method.reserve, async (request, call) =>
      toReserveResponse(await reserveOne(deps, request, call)),
    ),
    unary(ReservationService.method.batchReserve, async ({ requests }, call) => ({
      outcomes: (await reserveAll(deps, requests, call)).map((outcome) => ({ outcome: toWireOutcome(outcome) })),
    })),
    bidiStreaming(ReservationService.method.reserveStream, (requests, call) =>
      concurrently(requests, RESERVE_STREAM_IN_FLIGHT_MAX, call.signal, async (item) => {
        const { reserve: request } = item.request;
        const outcome = toWireOutcome(await reserveItem(deps, request, item, call));
        return { requestId: request?.requestId ?? '', outcome };
      }),
    ),
  ];
}

async function reserveItem(
  deps: ReserveDeps,
  request: ReserveRequest | undefined,
  item: StreamItem,
  call: RpcCall,
): Promise<Outcome> {
  if (item.invalid !== null) return refusedOutcome(item.invalid.refusal);
  if (request === undefined) throw new TypeError('a validated item has its request');
  // The unit of work has reported the bug; the other requests of the stream go on.
  return reserveOne(deps, request, call).catch(() => refusedOutcome(refuse('INTERNAL', 'internal error')));
}

async function reserveOne(deps: ReserveDeps, request: ReserveRequest, call: RpcCall): Promise<Outcome> {
  const [outcome] = await reserveAll(deps, [request], call);
  if (outcome === undefined) throw new TypeError('each request has an outcome');
  return outcome;
}

/** Requests that this version cannot decide are refused in their place; the others go on together, in order. */
async function reserveAll(deps: ReserveDeps, requests: readonly ReserveRequest[], call: RpcCall): Promise<Outcome[]> {
  const inputs = requests.map(toReserveInput);
  const clear = inputs.filter((input): input is ReserveInput => !isRefusal(input));
  const decided = await reserve(deps, await findEquivalents(deps, await chooseItems(deps, clear)), call);
  return inputs.map((input) => {
    if (isRefusal(input)) return refusedOutcome(input);
    const outcome = decided.shift();
    if (outcome === undefined) throw new TypeError('each request has an outcome');
    return outcome;
  });
}
