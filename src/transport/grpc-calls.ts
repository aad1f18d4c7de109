import { once } from 'node:events';
import { toBinary } from '@bufbuild/protobuf';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Decode, IncomingCall, Pipeline } from './pipeline.ts';
import { encodeStatus } from './refusal-status.ts';
import type { Rpc } from './rpc.ts';
import { INTERNAL_STATUS, RpcFailure } from './rpc-failure.ts';
import { decode } from './validation.ts';

/** How long a reader of a stream may leave its buffers full before it is cut off, in milliseconds. */
export const STREAM_STALL_MAX_MS = 30_000;

const STATUS_DETAILS_KEY = 'grpc-status-details-bin';

/** What all kinds of grpc-js calls have in common. */
interface ServerCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

export function unaryCall(pipeline: Pipeline, rpc: Rpc & { kind: 'unary' }): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const received = incoming(call);
    const answered = pipeline.unary(rpc, received, () => decode(rpc.method.input, call.request));
    answered.then(
      (message) => {
        received.end();
        callback(null, encode(rpc, message));
      },
      (error: unknown) => {
        received.end();
        callback(toStatus(error));
      },
    );
  };
}

export function serverStreamCall(
  pipeline: Pipeline,
  rpc: Rpc & { kind: 'server_streaming' },
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    void answer(rpc, call, () =>
      pipeline.serverStream(rpc, incoming(call), () => decode(rpc.method.input, call.request)),
    );
  };
}

export function bidiStreamCall(
  pipeline: Pipeline,
  rpc: Rpc & { kind: 'bidi_streaming' },
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    async function* requests(): AsyncGenerator<Decode> {
      // The answers go on when no more requests come, so leaving the loop must not destroy the call.
      for await (const bytes of call.iterator({ destroyOnReturn: false })) {
        yield () => decode(rpc.method.input, bytes as Buffer);
      }
    }
    void answer(rpc, call, () => pipeline.bidiStream(rpc, incoming(call), requests()));
  };
}

async function answer(
  rpc: Rpc,
  call: ServerWritableStream<Buffer, Buffer> | Parameters<handleBidiStreamingCall<Buffer, Buffer>>[0],
  open: () => ReturnType<Pipeline['serverStream']>,
): Promise<void> {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  call.on('error', () => gone.abort());
  try {
    for await (const message of open()) {
      if (call.write(encode(rpc, message))) continue;
      await once(call, 'drain', { signal: AbortSignal.any([gone.signal, AbortSignal.timeout(STREAM_STALL_MAX_MS)]) });
    }
    call.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    call.emit('error', toStatus(error));
  }
}

/** `end` says that the call was answered, after which nobody can go away any more. */
function incoming(call: ServerCall): IncomingCall & { end(): void } {
  const gone = new AbortController();
  const deadline = Number(call.getDeadline());
  let ended = false;
  // At the deadline grpc-js answers by itself and says cancelled, and so it does after every answer: only before both
  // has the caller gone.
  call.on('cancelled', () => {
    if (!ended && Date.now() < deadline) gone.abort();
  });
  return {
    end: () => {
      ended = true;
    },
    header: (name) => {
      const [value] = call.metadata.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    timeoutMs: Number.isFinite(deadline) ? deadline - Date.now() : null,
    callerGone: gone.signal,
  };
}

function encode(rpc: Rpc, message: Parameters<typeof toBinary>[1]): Buffer {
  const bytes = toBinary(rpc.method.output, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toStatus(error: unknown): StatusObject {
  const status = error instanceof RpcFailure ? error.status : INTERNAL_STATUS;
  const metadata = new Metadata();
  if (status.details.length > 0) metadata.set(STATUS_DETAILS_KEY, Buffer.from(encodeStatus(status)));
  return { code: status.code, details: status.message, metadata };
}
