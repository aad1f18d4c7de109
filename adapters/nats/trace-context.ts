import { type Context, isSpanContextValid, ROOT_CONTEXT, type Span, type SpanContext, trace } from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The span a W3C `traceparent` header names, or null where it names none. */
export function parseTraceparent(header: string): SpanContext | null {
  const match = TRACEPARENT.exec(header);
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : null;
}

/** The header that names a span; empty for a span of no trace. */
export function formatTraceparent(context: SpanContext): string {
  if (!isSpanContextValid(context)) return '';
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** A context whose spans are children of the one the header names. */
export function contextOf(traceparent: string): Context {
  const parent = parseTraceparent(traceparent);
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** The span's own context, or null for a span of no trace. */
export function spanContextOf(span: Span): SpanContext | null {
  const context = span.spanContext();
  return isSpanContextValid(context) ? context : null;
}
