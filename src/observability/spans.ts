import {
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RefusalReason } from '../domain/refusal.ts';

const SCOPE = 'earmark';

/**
 * Starts the span of a unit of work, in the trace of its first command; a trace of its own where that has none.
 * Run the unit by `runInSpan`, so that its statements become children, and end the span.
 */
export function startUnitSpan(first: SpanContext | null, commandCount: number): Span {
  const parent = first === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, first);
  const attributes = { 'earmark.unit.commands': commandCount };
  return trace.getTracer(SCOPE).startSpan('unit of work', { kind: SpanKind.INTERNAL, attributes }, parent);
}

/**
 * Starts the span of one further call of a unit that cannot be linked to it itself, in the call's own trace, with one
 * link to the unit. Links point this way because hundreds on the unit's span would be cut off. Without a trace the span
 * records nothing.
 */
export function startDecisionSpan(parent: SpanContext | null, unit: SpanContext, name: string): Span {
  if (parent === null) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  const options = { kind: SpanKind.INTERNAL, links: [{ context: unit }] };
  return trace.getTracer(SCOPE).startSpan(`decide ${name}`, options, trace.setSpanContext(ROOT_CONTEXT, parent));
}

/** Ends a command's span with its outcome: a refusal reason, or empty when it was accepted. */
export function endDecisionSpan(span: Span, refusalReason: RefusalReason | ''): void {
  if (span.isRecording()) span.setAttribute('earmark.outcome', refusalReason === '' ? 'ACCEPTED' : refusalReason);
  span.end();
}

/**
 * Runs one round trip to the database in a span beneath the active one. The statements that go with it are named there
 * and get no spans of their own: a dozen for each unit would cost as much as deciding it.
 */
export async function runDatabaseTrip<T>(name: string, statements: readonly string[], work: () => Promise<T>) {
  if (trace.getActiveSpan()?.isRecording() !== true) return await context.with(ROOT_CONTEXT, work);
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': name,
    'db.operation.batch.size': statements.length,
    'db.query.summary': statements.join(' '),
  };
  const span = trace.getTracer(SCOPE).startSpan(`database ${name}`, { kind: SpanKind.CLIENT, attributes });
  try {
    return await context.with(ROOT_CONTEXT, work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Runs `work` outside of any trace. */
export function runUntraced<T>(work: () => T): T {
  return context.with(ROOT_CONTEXT, work);
}

/** Runs `work` with the span active. Whatever was active before, such as another command's span, is left out. */
export function runInSpan<T>(span: Span, work: () => T): T {
  return context.with(trace.setSpan(ROOT_CONTEXT, span), work);
}
