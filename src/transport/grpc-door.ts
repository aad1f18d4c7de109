import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../gen/grpc/reflection/v1/reflection_pb.ts';
import { CONCURRENT_CALLS_MAX, type Door, IDLE_CONNECTION_MS } from './door.ts';
import { createSniffingPort, listen } from './first-bytes.ts';
import { bidiStreamCall, serverStreamCall, unaryCall } from './grpc-calls.ts';
import { createHealth } from './grpc-health.ts';
import { createReflection } from './grpc-reflection.ts';
import type { Pipeline } from './pipeline.ts';
import type { Rpc } from './rpc.ts';
import { SERVICES } from './rpc-table.ts';
import { MESSAGE_MAX_BYTES } from './validation.ts';

/** How often a silent connection is asked whether it is still there, and how long it has to answer. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 15_000;

/** What the buffers of one connection may hold, in megabytes. */
const SESSION_MEMORY_MAX_MB = 32;

export interface GrpcDoorOptions {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly rpcs: readonly Rpc[];
}

/** The gRPC door, with its health to be set by whoever knows about the dependencies. */
export interface GrpcDoor extends Door {
  /** What `grpc.health.v1` says from now on. */
  setServing(serving: boolean): void;
}

/** Opens the gRPC port: all services, `grpc.health.v1` and `grpc.reflection`. */
export async function startGrpcDoor(options: GrpcDoorOptions): Promise<GrpcDoor> {
  const server = new Server({
    // Somewhat more than a message may have, so that one slightly too large is refused with its reason.
    'grpc.max_receive_message_length': 2 * MESSAGE_MAX_BYTES,
    'grpc.max_concurrent_streams': CONCURRENT_CALLS_MAX,
    'grpc.max_connection_idle_ms': IDLE_CONNECTION_MS,
    'grpc-node.max_session_memory': SESSION_MEMORY_MAX_MB,
    // Its bookkeeping for each call and socket is seen by nobody here.
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  });
  const health = createHealth(SERVICES);
  for (const [definition, implementation] of serviceTable(options)) server.addService(definition, implementation);
  addHealth(server, health);
  addReflection(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listening = createSniffingPort((socket, protocol) => {
    if (protocol === 'http2') injector.injectConnection(socket);
    else socket.destroy();
  });
  const port = await listen(listening.server, options.host, options.port);
  return {
    port,
    setServing: (serving) => health.setServing(serving),
    stop: (graceMs) => {
      health.endWatches();
      listening.close(() => {});
      return stop(server, graceMs);
    },
  };
}

function serviceTable({ pipeline, rpcs }: GrpcDoorOptions): [ServiceDefinition, UntypedServiceImplementation][] {
  return SERVICES.map((service) => {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: Record<string, UntypedHandleCall> = {};
    for (const rpc of rpcs) {
      if (rpc.method.parent !== service) continue;
      definition[rpc.method.name] = passThrough(service.typeName, rpc.method.name, {
        requestStream: rpc.kind === 'bidi_streaming',
        responseStream: rpc.kind !== 'unary',
      });
      implementation[rpc.method.name] = callHandler(pipeline, rpc);
    }
    return [definition, implementation];
  });
}

function callHandler(pipeline: Pipeline, rpc: Rpc): UntypedHandleCall {
  if (rpc.kind === 'unary') return unaryCall(pipeline, rpc);
  if (rpc.kind === 'server_streaming') return serverStreamCall(pipeline, rpc);
  return bidiStreamCall(pipeline, rpc);
}

/** Bytes in, bytes out: decoding belongs to the pipeline, where its failure is the caller's and not ours. */
function passThrough(
  service: string,
  method: string,
  streams: { readonly requestStream: boolean; readonly responseStream: boolean },
): ServiceDefinition[string] {
  const same = (bytes: Buffer) => bytes;
  return {
    path: `/${service}/${method}`,
    ...streams,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

function addHealth(server: Server, health: ReturnType<typeof createHealth>): void {
  const name = 'grpc.health.v1.Health';
  server.addService(
    {
      Check: passThrough(name, 'Check', { requestStream: false, responseStream: false }),
      Watch: passThrough(name, 'Watch', { requestStream: false, responseStream: true }),
    },
    { Check: health.check, Watch: health.watch },
  );
}

/** Older tools ask under the name of the alpha version; the messages are the same. */
function addReflection(server: Server): void {
  const reflect = createReflection([...SERVICES, Health, ServerReflection]);
  for (const version of ['v1', 'v1alpha']) {
    const name = `grpc.reflection.${version}.ServerReflection`;
    const streams = { requestStream: true, responseStream: true };
    server.addService(
      { ServerReflectionInfo: passThrough(name, 'ServerReflectionInfo', streams) },
      { ServerReflectionInfo: reflect },
    );
  }
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
