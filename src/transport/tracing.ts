import { randomFillSync } from 'node:crypto';
import {
  type Context,
  context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { RefusalReason } from '../domain/refusal.ts';
import type { CallTrace } from '../ports/call-trace.ts';
import type { HeaderReader } from './authentication.ts';
import { GrpcCode } from './grpc-code.ts';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const RANDOM_POOL_BYTES = 4_096;

/** A call being traced. */
export interface CallSpan {
  /** Always valid, so that every reservation has a trace id, with or without an exporter. */
  readonly spanContext: CallTrace;
  /** Runs work as a child of the span. */
  run<T>(work: () => T): T;
  /** @param reason why, where the call was refused */
  end(code: GrpcCode, reason?: RefusalReason): void;
}

/**
 * Starts the SERVER span of a call as a child of the caller's, where W3C headers name one.
 * @param isUnary whether its commands are few enough for a link to the unit of each
 */
export function startCallSpan(service: string, method: string, header: HeaderReader, isUnary: boolean): CallSpan {
  const parent = parentOf(header);
  const parentContext = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  const span = trace.getTracer('earmark').startSpan(
    `${service}/${method}`,
    {
      kind: SpanKind.SERVER,
      attributes: { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method },
    },
    parentContext,
  );
  return span.isRecording() ? recorded(span, parentContext, isUnary) : unrecorded(span, parent);
}

function recorded(span: Span, parentContext: Context, isUnary: boolean): CallSpan {
  const active = trace.setSpan(parentContext, span);
  const spanContext = span.spanContext();
  return {
    spanContext: isUnary ? { ...spanContext, linkTo: (unit) => span.addLink({ context: unit }) } : spanContext,
    run: (work) => context.with(active, work),
    end: (code, reason) => {
      span.setAttribute('rpc.grpc.status_code', code);
      if (reason !== undefined) span.setAttribute('earmark.outcome', reason);
      if (code === GrpcCode.INTERNAL || code === GrpcCode.UNKNOWN) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** Without an exporter, or not sampled, only the ids are carried on. */
function unrecorded(span: Span, parent: SpanContext | null): CallSpan {
  const sampledOut = span.spanContext();
  const isOwn = trace.isSpanContextValid(sampledOut) && sampledOut.spanId !== parent?.spanId;
  const spanContext = isOwn ? sampledOut : madeUp(parent);
  const active = trace.setSpanContext(ROOT_CONTEXT, spanContext);
  return { spanContext, run: (work) => context.with(active, work), end: () => span.end() };
}

const pool = Buffer.alloc(RANDOM_POOL_BYTES);
let poolUsed = RANDOM_POOL_BYTES;

/** Asking the system for a few random bytes at a time would cost more than all else that is done for a trace. */
function randomHex(length: number): string {
  if (poolUsed + length > RANDOM_POOL_BYTES) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  poolUsed += length;
  return pool.toString('hex', poolUsed - length, poolUsed);
}

function madeUp(parent: SpanContext | null): SpanContext {
  return {
    traceId: parent?.traceId ?? randomHex(TRACE_ID_BYTES),
    spanId: randomHex(SPAN_ID_BYTES),
    traceFlags: parent?.traceFlags ?? TraceFlags.NONE,
    ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState }),
  };
}

function parentOf(header: HeaderReader): SpanContext | null {
  const match = TRACEPARENT.exec(header('traceparent') ?? '');
  if (match === null) return null;
  const [, version, traceId = '', spanId = '', flags = '00', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  const tracestate = header('tracestate');
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
  return trace.isSpanContextValid(parent) ? parent : null;
}
