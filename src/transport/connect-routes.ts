import type { Message } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type HandlerContext,
  type MethodImpl,
} from '@connectrpc/connect';
import { compressionGzip } from '@connectrpc/connect-node';
import { refuse } from '../domain/refusal.ts';
import { GrpcCode } from './grpc-code.ts';
import type { Decode, IncomingCall, Pipeline } from './pipeline.ts';
import { type RpcStatus, statusOf } from './refusal-status.ts';
import type { Rpc } from './rpc.ts';
import { INTERNAL_STATUS, RpcFailure, undecodable } from './rpc-failure.ts';
import { MESSAGE_MAX_BYTES, tooLarge } from './validation.ts';

/** The largest answer, in bytes; lists are paged well below it. */
const ANSWER_MAX_BYTES = 16 * MESSAGE_MAX_BYTES;

/** Options of the Connect router. Its own defaults have no limits. */
export const ROUTER_OPTIONS: ConnectRouterOptions = {
  readMaxBytes: MESSAGE_MAX_BYTES,
  writeMaxBytes: ANSWER_MAX_BYTES,
  acceptCompression: [compressionGzip],
  jsonOptions: { textDecoder: new TextDecoder('utf-8', { fatal: true }) } as never,
  requestGate: (context) => {
    context.signal.addEventListener('abort', () => restateDecodeError(context.signal.reason), { once: true });
  },
};

/** Registers every RPC; each passes through the pipeline. */
export function registerRoutes(router: ConnectRouter, pipeline: Pipeline, rpcs: readonly Rpc[]): void {
  for (const rpc of rpcs) router.rpc(rpc.method, implementation(pipeline, rpc) as MethodImpl<typeof rpc.method>);
}

function implementation(pipeline: Pipeline, rpc: Rpc): unknown {
  if (rpc.kind === 'unary') {
    return (request: Message, context: HandlerContext) =>
      pipeline.unary(rpc, incoming(context), () => request).catch(rethrow);
  }
  if (rpc.kind === 'server_streaming') {
    return (request: Message, context: HandlerContext) =>
      mapped(pipeline.serverStream(rpc, incoming(context), () => request));
  }
  return (requests: AsyncIterable<Message>, context: HandlerContext) =>
    mapped(pipeline.bidiStream(rpc, incoming(context), decoded(requests)));
}

async function* decoded(requests: AsyncIterable<Message>): AsyncGenerator<Decode> {
  try {
    for await (const request of requests) yield () => request;
  } catch (error) {
    if (error instanceof ConnectError) restateDecodeError(error);
    throw error instanceof ConnectError ? new RpcFailure(fromConnect(error)) : error;
  }
}

async function* mapped(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    rethrow(error);
  }
}

function incoming(context: HandlerContext): IncomingCall {
  const gone = new AbortController();
  const { signal } = context;
  // Connect keeps the deadline too, and its end of it must not look as if the caller had gone.
  const onAbort = () => {
    const isDeadline = signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded;
    if (!isDeadline) gone.abort();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    header: (name) => context.requestHeader.get(name) ?? undefined,
    timeoutMs: context.timeoutMs() ?? null,
    callerGone: gone.signal,
  };
}

function rethrow(error: unknown): never {
  const status = error instanceof RpcFailure ? error.status : INTERNAL_STATUS;
  const connectError = new ConnectError(status.message, status.code as number as Code);
  connectError.details = toDetails(status);
  throw connectError;
}

function toDetails(status: RpcStatus): ConnectError['details'] {
  return status.details.map(({ schema, message }) => ({ desc: schema, value: message as never }));
}

function fromConnect(error: ConnectError): RpcStatus {
  const details = error.details.flatMap((detail) =>
    'desc' in detail ? [{ schema: detail.desc, message: detail.value as Message }] : [],
  );
  return { code: error.code as number as GrpcCode, message: error.rawMessage, details };
}

/**
 * Connect decodes before any code of ours runs and calls undecodable bytes an internal error. Its error passes through
 * the call's signal before it is written, so this is where it becomes what it is: the caller's mistake, with details.
 */
function restateDecodeError(error: unknown): void {
  if (!(error instanceof ConnectError) || error.details.length > 0) return;
  const code = error.code as number as GrpcCode;
  const isUndecodable = code === GrpcCode.INVALID_ARGUMENT || error.rawMessage.startsWith('parse binary: ');
  if (isUndecodable) restate(error, undecodable('the message cannot be decoded').status);
  else if (code === GrpcCode.RESOURCE_EXHAUSTED) restate(error, tooLarge().status);
  else if (code === GrpcCode.DEADLINE_EXCEEDED) restate(error, statusOf(refuse('DEADLINE_EXCEEDED', error.rawMessage)));
}

function restate(error: ConnectError, status: RpcStatus): void {
  Object.assign(error, {
    code: status.code,
    rawMessage: status.message,
    message: status.message,
    details: toDetails(status),
  });
}
