import { type JetStreamClient, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RefusalReason } from '../../src/domain/refusal.ts';
import type { VerdictKind } from '../../src/ports.ts';
import { traceparentOf } from './codec.ts';
import { parkMessage } from './dead-letter.ts';
import { pause } from './pause.ts';
import { contextOf } from './trace-context.ts';

/** How often a message that cannot be applied is tried. */
export interface Patience {
  /** Times it is delivered before it is parked. */
  readonly deliveriesMax: number;
  /** Attempts within one delivery, so that the order of its key is kept through short trouble. */
  readonly attemptsMax: number;
}

/** With the delays below, more than an hour. */
export const DEFAULT_PATIENCE: Patience = { deliveriesMax: 100, attemptsMax: 8 };
const ATTEMPT_DELAY_MIN_MS = 50;
const ATTEMPT_DELAY_MAX_MS = 2_000;
const REDELIVERY_DELAY_MIN_MS = 1_000;
const REDELIVERY_DELAY_MAX_MS = 60_000;
const TRACER = 'earmark';

/** What says nothing about the message, so that it is tried again. */
const TRANSIENT: ReadonlySet<RefusalReason | 'UNEXPECTED'> = new Set([
  'UNEXPECTED',
  'CONFLICT',
  'OVERLOADED',
  'RATE_LIMITED',
  'DEPENDENCY_DOWN',
  'DRAINING',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
]);

export type InboundResult = VerdictKind | 'RETRIED' | 'PARKED';

export interface DeliveryDeps {
  readonly patience?: Patience;
  /** Counts what became of each message, by event. */
  readonly report?: (event: string, result: InboundResult) => void;
  readonly log?: (message: string) => void;
}

/** One delivery, read and ready to be handled in the order of its key. */
export interface Delivery {
  /** Messages of one key are handled in the order they came. */
  readonly key: string;
  /** Settles the message with the server: acknowledged, asked for again, or parked. Never rejects. */
  handle(signal: AbortSignal): Promise<void>;
}

/** A message in hand. */
export interface Work<Deps extends DeliveryDeps = DeliveryDeps> {
  readonly deps: Deps;
  /** Who sent it, as the dead letter queue names the sender. */
  readonly sender: string;
  readonly message: JsMsg;
  /** A child of the sender's span. */
  readonly span: Span;
  readonly event: string;
  readonly js: JetStreamClient;
}

export function openWork<Deps extends DeliveryDeps>(
  deps: Deps,
  sender: string,
  event: string,
  message: JsMsg,
  connection: NatsConnection,
): Work<Deps> {
  const parent = contextOf(traceparentOf(message.headers));
  const span = trace.getTracer(TRACER).startSpan(`process ${event}`, { kind: SpanKind.CONSUMER }, parent);
  span.setAttributes({ 'messaging.system': 'nats', 'messaging.operation.type': 'process' });
  return { deps, sender, message, span, event, js: jetstream(connection) };
}

/** Runs one way of settling a message; where even that fails, the server delivers it again. */
export async function settle(work: Work, run: () => Promise<InboundResult>): Promise<void> {
  const { deps, message, span, event } = work;
  try {
    const result = await run();
    span.setAttribute('earmark.result', result);
    deps.report?.(event, result);
  } catch (error) {
    const text = describe(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: text });
    deps.log?.(`${event} could not be settled: ${text}`);
    message.nak(redeliveryDelay(message));
    deps.report?.(event, 'RETRIED');
  } finally {
    span.end();
  }
}

/** What one attempt came to: a verdict, after which the message is acknowledged, or why it could not be applied. */
export type Attempted = { readonly kind: VerdictKind } | { readonly reason: RefusalReason };

/**
 * Applies a message, patiently where the trouble is not the message's.
 * @param refuse settles a message that will never be applied
 */
export async function applyPatiently(
  work: Work,
  attempt: () => Promise<Attempted>,
  refuse: (reason: RefusalReason | 'UNEXPECTED') => Promise<InboundResult>,
  signal: AbortSignal,
): Promise<InboundResult> {
  const { deps, message } = work;
  const { deliveriesMax, attemptsMax } = deps.patience ?? DEFAULT_PATIENCE;
  for (let count = 1; ; count += 1) {
    const outcome = await tryOnce(work, attempt);
    if ('kind' in outcome) {
      message.ack();
      return outcome.kind;
    }
    if (!TRANSIENT.has(outcome.reason)) return refuse(outcome.reason);
    if (count < attemptsMax && !signal.aborted) {
      const delayMs = Math.min(ATTEMPT_DELAY_MAX_MS, ATTEMPT_DELAY_MIN_MS * 2 ** count);
      await pause(delayMs, signal);
      continue;
    }
    if (message.info.deliveryCount >= deliveriesMax) {
      await park(work, 'not-applied');
      return 'PARKED';
    }
    deps.log?.(`${work.event} is tried again later: ${outcome.reason}`);
    message.nak(signal.aborted ? REDELIVERY_DELAY_MIN_MS : redeliveryDelay(message));
    return 'RETRIED';
  }
}

/** Parks a message and ends its deliveries. @throws where it was not stored */
export async function park({ js, sender, message }: Work, reason: string): Promise<void> {
  await parkMessage(js, sender, message, reason);
  message.term(reason);
}

/** A unit that throws is a bug or a lost database: neither is a reason to forget the message. */
async function tryOnce({ deps, event }: Work, attempt: () => Promise<Attempted>) {
  try {
    return await attempt();
  } catch (error) {
    deps.log?.(`${event} failed: ${describe(error)}`);
    return { reason: 'UNEXPECTED' as const };
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function redeliveryDelay({ info }: JsMsg): number {
  return Math.min(REDELIVERY_DELAY_MAX_MS, REDELIVERY_DELAY_MIN_MS * 2 ** Math.min(info.deliveryCount - 1, 6));
}
