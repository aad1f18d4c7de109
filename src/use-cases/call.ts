import type { SpanContext } from '@opentelemetry/api';
import type { Caller } from '../domain/caller.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { Cause } from '../domain/working-set.ts';
import type { CallTrace } from '../ports/call-trace.ts';
import type { Answer, Claim, Command, Outcome, SubmitOptions, UnitOfWork } from '../ports.ts';

/** Who asks, for how long, and in which trace. */
export interface Call {
  readonly caller: Caller;
  readonly signal?: AbortSignal;
  readonly trace: CallTrace | null;
}

/** The id and content of a changing request. The hash is SHA-256 over the decoded request without its id. */
export interface RequestKey {
  readonly requestId: string;
  readonly contentHash: Uint8Array;
}

export function claimOf(method: string, key: RequestKey, more: Partial<Claim> = {}): Claim {
  return { method, requestId: key.requestId, contentHash: key.contentHash, ...more };
}

export function causeOf(call: { readonly caller: Caller; readonly trace: SpanContext | null }, reason: string): Cause {
  return {
    caller: call.caller,
    reason,
    traceId: call.trace?.traceId ?? '',
    traceparent: call.trace === null ? '' : traceparentOf(call.trace),
  };
}

/** The W3C trace context header of a span. */
export function traceparentOf(trace: SpanContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.traceFlags.toString(16).padStart(2, '0')}`;
}

export function reservationAnswer(reservation: Reservation | null): Answer {
  return { kind: 'reservation', reservation };
}

/** A caller's commands are dropped with the call while they are queued. */
export function callerOptions(call: Call): SubmitOptions {
  return { lane: 'caller', ...(call.signal === undefined ? {} : { signal: call.signal }) };
}

/** Submits the one command of a call. */
export async function submitOne(unitOfWork: UnitOfWork, command: Command, call: Call): Promise<Outcome> {
  const [outcome] = await unitOfWork.submit([command], callerOptions(call));
  if (outcome === undefined) throw new TypeError('a unit answers each of its commands');
  return outcome;
}
