import { create, type DescMethodUnary, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Pool } from 'pg';
import { ReservationState } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { ReservationService } from '../../../src/gen/earmark/v1/reservation_service_pb.ts';
import {
  type BatchReserveRequest,
  type BatchReserveResponse,
  BatchReserveResponseSchema,
  type ReserveRequest,
  type ReserveResponse,
  ReserveResponseSchema,
} from '../../../src/gen/earmark/v1/reserve_pb.ts';
import { PEER_WAREHOUSE, type PeerOutcome, type PeerRefusal, reserveInTransaction } from './reserve.ts';

/** Transactions at once, and so the requests of one batch under way at once. */
export const POOL_MAX = 10;

/** Calls one HTTP/2 connection may have open at a time; Earmark allows the same. */
const CONCURRENT_CALLS_MAX = 100;

const { reserve, batchReserve } = ReservationService.method;

const CODES: Record<PeerRefusal, status> = {
  INVALID_FIELD: status.INVALID_ARGUMENT,
  REQUEST_ID_REUSED: status.INVALID_ARGUMENT,
  NO_STOCK: status.FAILED_PRECONDITION,
  EXCHANGE_ALREADY_RESERVED: status.ALREADY_EXISTS,
};

/** Serves Reserve and BatchReserve on a free loopback port. */
export async function startPeerService(pool: Pool): Promise<{ readonly port: number; stop(): void }> {
  const server = new Server({ 'grpc.max_concurrent_streams': CONCURRENT_CALLS_MAX });
  const definition: ServiceDefinition = { reserve: define(reserve), batchReserve: define(batchReserve) };
  server.addService(definition, handlers(pool));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { port, stop: () => server.forceShutdown() };
}

function define(method: DescMethodUnary): ServiceDefinition[string] {
  const { input, output } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function handlers(pool: Pool): UntypedServiceImplementation {
  const reserveOne: handleUnaryCall<ReserveRequest, ReserveResponse> = (call, answer) => {
    reserveInTransaction(pool, call.request).then(
      (outcome) =>
        outcome.ok ? answer(null, create(ReserveResponseSchema, toResponse(outcome))) : answer(refused(outcome)),
      (error: Error) => answer(failed(error)),
    );
  };
  const reserveMany: handleUnaryCall<BatchReserveRequest, BatchReserveResponse> = (call, answer) => {
    reserveAll(pool, call.request.requests).then(
      (outcomes) => answer(null, create(BatchReserveResponseSchema, { outcomes: outcomes.map(toWireOutcome) })),
      (error: Error) => answer(failed(error)),
    );
  };
  return { reserve: reserveOne, batchReserve: reserveMany };
}

/** As many transactions at once as there are connections; each takes the next request that nobody has taken. */
async function reserveAll(pool: Pool, requests: readonly ReserveRequest[]): Promise<PeerOutcome[]> {
  const outcomes = new Array<PeerOutcome>(requests.length);
  const rest = requests.entries();
  const worker = async () => {
    for (const [index, request] of rest) outcomes[index] = await reserveInTransaction(pool, request);
  };
  await Promise.all(Array.from({ length: POOL_MAX }, worker));
  return outcomes;
}

function toWireOutcome(outcome: PeerOutcome) {
  return outcome.ok
    ? { outcome: { case: 'reserved' as const, value: toResponse(outcome) } }
    : {
        outcome: {
          case: 'refusal' as const,
          value: { code: CODES[outcome.reason], reason: outcome.reason, message: outcome.message },
        },
      };
}

function toResponse({ state, replayed }: PeerOutcome & { ok: true }): MessageInitShape<typeof ReserveResponseSchema> {
  return {
    replayed,
    reservation: {
      reservationId: state.reservationId,
      trackingId: state.trackingId,
      state: ReservationState.RESERVED,
      exchangeId: state.exchangeId,
      returnCaseId: state.returnCaseId,
      orderId: state.orderId,
      createTime: timestampFromMs(state.createdAt),
      expireTime: timestampFromMs(state.expireAt),
      lines: state.lines.map(({ sku, quantity }, index) => ({
        lineNumber: index + 1,
        sku,
        quantity,
        reservedQuantity: quantity,
        allocations: [{ warehouse: PEER_WAREHOUSE, quantity }],
      })),
    },
  };
}

function refused(outcome: PeerOutcome & { ok: false }): Partial<ServiceError> {
  return { code: CODES[outcome.reason], details: `${outcome.reason}: ${outcome.message}` };
}

function failed(error: Error): Partial<ServiceError> {
  return { code: status.INTERNAL, details: error.message };
}
