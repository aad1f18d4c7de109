import type { Message } from '@bufbuild/protobuf';
import { type Refusal, type RefusalReason, refuse } from '../domain/refusal.ts';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { Authenticator, HeaderReader, Principal } from './authentication.ts';
import { authorise, rolesAllowed } from './authorisation.ts';
import { type CallDeadline, startDeadline, unaryTimeoutMs } from './deadline.ts';
import { codeName, GrpcCode } from './grpc-code.ts';
import { type Rpc, type RpcCall, rpcName, type StreamItem } from './rpc.ts';
import { INTERNAL_STATUS, RpcFailure, refusedCall } from './rpc-failure.ts';
import { createStreamSlots, type StreamSlots } from './stream-slots.ts';
import { type CallSpan, startCallSpan } from './tracing.ts';
import { assertValid, findInvalid } from './validation.ts';

/** A call as a door hands it over. */
export interface IncomingCall {
  readonly header: HeaderReader;
  /** Milliseconds the caller allows, or null where it names none. */
  readonly timeoutMs: number | null;
  /** Aborted when the caller goes away. */
  readonly callerGone: AbortSignal;
}

/** Decodes one request. @throws RpcFailure where it cannot be decoded */
export type Decode = () => Message;

export interface PipelineDeps {
  readonly authenticate: Authenticator;
  /** Counts and times each call: name of its method, name of its gRPC code, milliseconds. */
  readonly observe: (rpc: string, code: string, durationMs: number) => void;
  /** Told of every exception that is a bug of ours. */
  readonly reportBug: (rpc: string, error: unknown) => void;
  readonly now: () => number;
  readonly streamSlots?: StreamSlots;
}

/**
 * What every call passes through, whichever door it came in by: authenticate, authorise, validate, deadline, trace,
 * handle, map errors. Every failure is an {@link RpcFailure}.
 */
export interface Pipeline {
  unary(rpc: Rpc & { kind: 'unary' }, incoming: IncomingCall, decode: Decode): Promise<Message>;
  serverStream(rpc: Rpc & { kind: 'server_streaming' }, incoming: IncomingCall, decode: Decode): AsyncIterable<Message>;
  bidiStream(
    rpc: Rpc & { kind: 'bidi_streaming' },
    incoming: IncomingCall,
    requests: AsyncIterable<Decode>,
  ): AsyncIterable<Message>;
  /** From now on new calls are refused as DRAINING; those running go on. */
  drain(): void;
  /** Ends every open stream as DRAINING, so that their callers connect elsewhere. */
  endStreams(): void;
  isDraining(): boolean;
}

const DRAINING: Refusal = refuse('DRAINING', 'this process is about to stop');

export function createPipeline(deps: PipelineDeps): Pipeline {
  const slots = deps.streamSlots ?? createStreamSlots();
  const openStreams = new Set<CallDeadline>();
  let draining = false;

  async function admit(rpc: Rpc, incoming: IncomingCall): Promise<Principal> {
    if (draining) throw refusedCall(DRAINING);
    const principal = await deps.authenticate(incoming.header);
    authorise(principal, allowedFor(rpc));
    return principal;
  }

  async function* stream(
    rpc: Rpc,
    incoming: IncomingCall,
    open: (call: RpcCall) => AsyncIterable<Message>,
  ): AsyncGenerator<Message> {
    const { span, deadline, end, failed } = begin(deps, rpc, incoming, incoming.timeoutMs);
    let release = () => {};
    let ended = false;
    openStreams.add(deadline);
    try {
      const principal = await admit(rpc, incoming);
      release = slots.take(principal.caller.principal);
      const messages = span.run(() => open(callOf(principal, deadline, span))[Symbol.asyncIterator]());
      yield* untilAborted(messages, deadline, span);
      ended = true;
      end(GrpcCode.OK);
    } catch (error) {
      ended = true;
      throw failed(error);
    } finally {
      openStreams.delete(deadline);
      release();
      if (!ended) end(GrpcCode.CANCELLED);
      deadline.abort(refusedCall(refuse('CANCELLED', 'the call has ended')));
    }
  }

  return {
    unary: (rpc, incoming, decode) => runUnary(deps, rpc, incoming, decode, admit),
    serverStream: (rpc, incoming, decode) =>
      stream(rpc, incoming, (call) => {
        const request = decode();
        assertValid(rpc.method.input, request);
        return rpc.handle(request, call);
      }),
    bidiStream: (rpc, incoming, requests) =>
      stream(rpc, incoming, (call) => rpc.handle(checkedItems(rpc, requests), call)),
    drain: () => {
      draining = true;
    },
    endStreams: () => {
      for (const deadline of openStreams) deadline.abort(refusedCall(DRAINING));
    },
    isDraining: () => draining,
  };
}

async function runUnary(
  deps: PipelineDeps,
  rpc: Rpc & { kind: 'unary' },
  incoming: IncomingCall,
  decode: Decode,
  admit: (rpc: Rpc, incoming: IncomingCall) => Promise<Principal>,
): Promise<Message> {
  const timeoutMs = unaryTimeoutMs(incoming.timeoutMs, rpc.deadlineMs);
  const { span, deadline, end, failed } = begin(deps, rpc, incoming, timeoutMs);
  try {
    const principal = await admit(rpc, incoming);
    const request = decode();
    assertValid(rpc.method.input, request);
    const answer = await deadline.race(span.run(() => rpc.handle(request, callOf(principal, deadline, span))));
    end(GrpcCode.OK);
    return answer;
  } catch (error) {
    throw failed(error);
  }
}

/** Starts the clock and the span of a call, which every end of it must stop. */
function begin(deps: PipelineDeps, rpc: Rpc, incoming: IncomingCall, timeoutMs: number | null) {
  const startedAt = performance.now();
  const isUnary = rpc.kind === 'unary';
  const span = startCallSpan(rpc.method.parent.typeName, rpc.method.name, incoming.header, isUnary);
  const deadline = startDeadline(timeoutMs, incoming.callerGone, deps.now());
  const end = (code: GrpcCode, reason?: RefusalReason) => {
    deadline.clear();
    span.end(code, reason);
    deps.observe(rpc.method.name, codeName(code), performance.now() - startedAt);
  };
  const failed = (error: unknown) => {
    const failure = toFailure(rpc, error, deps.reportBug);
    end(failure.status.code, failure.status.reason);
    return failure;
  };
  return { span, deadline, end, failed };
}

const roles = new WeakMap<Rpc, ReturnType<typeof rolesAllowed>>();

function allowedFor(rpc: Rpc): ReturnType<typeof rolesAllowed> {
  let allowed = roles.get(rpc);
  if (allowed === undefined) {
    allowed = rolesAllowed(rpc.method);
    roles.set(rpc, allowed);
  }
  return allowed;
}

function callOf(principal: Principal, deadline: CallDeadline, span: CallSpan): RpcCall {
  return {
    caller: principal.caller,
    signal: deadline.signal,
    deadlineAt: deadline.deadlineAt,
    trace: span.spanContext,
  };
}

async function* checkedItems(rpc: Rpc, requests: AsyncIterable<Decode>): AsyncGenerator<StreamItem> {
  for await (const decode of requests) {
    const request = decode();
    yield { request, invalid: findInvalid(rpc.method.input, request) };
  }
}

async function* untilAborted(
  messages: AsyncIterator<Message>,
  deadline: CallDeadline,
  span: CallSpan,
): AsyncGenerator<Message> {
  try {
    for (;;) {
      const next = await deadline.race(span.run(() => messages.next()));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // A handler that still waits ends by the signal; nobody needs to wait for it here.
    messages.return?.().catch(() => {});
  }
}

function toFailure(rpc: Rpc, error: unknown, reportBug: PipelineDeps['reportBug']): RpcFailure {
  if (error instanceof RpcFailure) return error;
  if (error instanceof InvalidPageToken) {
    const wrong = { field: 'page_token', description: 'the page token is not one of ours' };
    return refusedCall(refuse('INVALID_FIELD', wrong.description, { field: wrong.field }), [wrong]);
  }
  reportBug(rpcName(rpc.method), error);
  return new RpcFailure(INTERNAL_STATUS);
}
