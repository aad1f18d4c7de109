import { create, type DescService, toBinary } from '@bufbuild/protobuf';
import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health_pb.ts';
import { decode } from './validation.ts';

/** The state of `grpc.health.v1`. */
export interface Health {
  /** Tells every watcher at once. */
  setServing(serving: boolean): void;
  check(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void;
  watch(call: ServerWritableStream<Buffer, Buffer>): void;
  /** Ends every watch, so that none holds up a stop. */
  endWatches(): void;
}

/** Watchers one process keeps at a time. */
const WATCHERS_MAX = 100;

/** Health of the server (empty name) and of each service, which are all well or not well together. */
export function createHealth(services: readonly DescService[]): Health {
  const names = new Set(['', ...services.map((service) => service.typeName)]);
  const watchers = new Set<ServerWritableStream<Buffer, Buffer>>();
  let serving = true;
  const current = () => (serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);

  return {
    setServing(next) {
      if (next === serving) return;
      serving = next;
      for (const call of watchers) call.write(encodeStatus(current()));
    },
    check(call, callback) {
      const service = serviceOf(call.request);
      if (service === null) callback({ code: status.INVALID_ARGUMENT, details: 'the message cannot be decoded' });
      else if (names.has(service)) callback(null, encodeStatus(current()));
      else callback({ code: status.NOT_FOUND, details: 'there is no such service' });
    },
    endWatches() {
      for (const call of watchers) call.end();
      watchers.clear();
    },
    watch(call) {
      const service = serviceOf(call.request);
      if (service === null || watchers.size >= WATCHERS_MAX) {
        const code = service === null ? status.INVALID_ARGUMENT : status.RESOURCE_EXHAUSTED;
        call.emit('error', { code, details: service === null ? 'the message cannot be decoded' : 'too many watchers' });
        return;
      }
      if (!names.has(service)) {
        call.write(encodeStatus(ServingStatus.SERVICE_UNKNOWN));
        return;
      }
      watchers.add(call);
      call.on('cancelled', () => watchers.delete(call));
      call.write(encodeStatus(current()));
    },
  };
}

function serviceOf(bytes: Buffer): string | null {
  try {
    const request = decode(HealthCheckRequestSchema, bytes);
    return (request as unknown as { service: string }).service;
  } catch {
    return null;
  }
}

function encodeStatus(value: ServingStatus): Buffer {
  return Buffer.from(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: value })));
}
