import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { Caller } from '../domain/caller.ts';
import type { CallTrace } from '../ports/call-trace.ts';
import type { InvalidRequest } from './validation.ts';

/** What a handler knows of its call, whichever door it came through. */
export interface RpcCall {
  readonly caller: Caller;
  /** Aborted at the deadline, when the caller goes away, and when streams are ended. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch, or null for a stream without a deadline. */
  readonly deadlineAt: number | null;
  readonly trace: CallTrace;
}

/** One message of a bidirectional stream: what is wrong with it is answered on the stream. */
export interface StreamItem<T extends Message = Message> {
  readonly request: T;
  readonly invalid: InvalidRequest | null;
}

/** An RPC and what answers it. */
export type Rpc =
  | {
      readonly kind: 'unary';
      readonly method: DescMethod;
      /** How long it may take, in milliseconds, where that is not what other calls may. */
      readonly deadlineMs?: number;
      handle(request: Message, call: RpcCall): Promise<Message>;
    }
  | {
      readonly kind: 'server_streaming';
      readonly method: DescMethod;
      handle(request: Message, call: RpcCall): AsyncIterable<Message>;
    }
  | {
      readonly kind: 'bidi_streaming';
      readonly method: DescMethod;
      handle(requests: AsyncIterable<StreamItem>, call: RpcCall): AsyncIterable<Message>;
    };

/** The full name of an RPC, such as `earmark.v1.ReservationService/Reserve`. */
export function rpcName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Binds a handler to a unary RPC. */
export function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (request: MessageShape<I>, call: RpcCall) => Promise<MessageInitShape<O>>,
  more: { readonly deadlineMs?: number } = {},
): Rpc {
  return {
    kind: 'unary',
    method,
    ...more,
    handle: async (request, call) => create(method.output, await handle(request as MessageShape<I>, call)),
  };
}

/** Binds a handler to an RPC that answers with a stream. */
export function serverStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handle: (request: MessageShape<I>, call: RpcCall) => AsyncIterable<MessageInitShape<O>>,
): Rpc {
  return {
    kind: 'server_streaming',
    method,
    handle: (request, call) => made(method.output, handle(request as MessageShape<I>, call)),
  };
}

/** Binds a handler to an RPC with a stream in both directions. */
export function bidiStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  handle: (requests: AsyncIterable<StreamItem<MessageShape<I>>>, call: RpcCall) => AsyncIterable<MessageInitShape<O>>,
): Rpc {
  return {
    kind: 'bidi_streaming',
    method,
    handle: (requests, call) =>
      made(method.output, handle(requests as AsyncIterable<StreamItem<MessageShape<I>>>, call)),
  };
}

async function* made<O extends DescMessage>(
  schema: O,
  messages: AsyncIterable<MessageInitShape<O>>,
): AsyncGenerator<Message> {
  for await (const message of messages) yield create(schema, message);
}
