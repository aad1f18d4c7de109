import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RefusalReason } from '../../src/domain/refusal.ts';
import type { UnitOfWork, VerdictKind } from '../../src/ports.ts';
import { applyWarehouseMessage, type WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { traceparentOf } from '../nats/codec.ts';
import { decodeToken, encodeToken, inboundTokens } from '../nats/subjects.ts';
import { contextOf, formatTraceparent, spanContextOf } from '../nats/trace-context.ts';
import { directVerdict } from '../nats/verdict-messages.ts';
import { parkMessage } from './dead-letter.ts';
import { readMessage, type Unreadable } from './read-message.ts';

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
const PUBLISH_TIMEOUT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;
const TRACER = 'earmark';
const NO_ID = 'unreadable';

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

export interface HandlerDeps {
  readonly patience?: Patience;
  readonly unitOfWork: UnitOfWork;
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

/** Reads a message and opens its span, a child of the sender's. */
export function openDelivery(deps: HandlerDeps, wms: string, message: JsMsg, connection: NatsConnection): Delivery {
  const eventToken = inboundTokens(message.subject)?.event ?? '';
  const event = decodeToken(eventToken) ?? NO_ID;
  const parent = contextOf(traceparentOf(message.headers));
  const span = trace.getTracer(TRACER).startSpan(`process ${event}`, { kind: SpanKind.CONSUMER }, parent);
  span.setAttributes({ 'messaging.system': 'nats', 'messaging.operation.type': 'process' });
  const read = readMessage(wms, message, spanContextOf(span));
  const work: Work = { deps, wms, message, span, event, js: jetstream(connection) };
  if (read.outcome === 'unreadable') {
    return { key: `seq:${message.seq}`, handle: () => settle(work, () => refuse(work, read)) };
  }
  const key = 'trackingId' in read.message ? `t:${read.message.trackingId}` : `w:${read.message.warehouse}`;
  return { key, handle: (signal) => settle(work, () => apply(work, read.message, signal)) };
}

interface Work {
  readonly deps: HandlerDeps;
  readonly wms: string;
  readonly message: JsMsg;
  readonly span: Span;
  readonly event: string;
  readonly js: JetStreamClient;
}

/** Runs one way of settling a message; where even that fails, the server delivers it again. */
async function settle(work: Work, run: () => Promise<InboundResult>): Promise<void> {
  const { deps, message, span, event } = work;
  try {
    const result = await run();
    span.setAttribute('earmark.result', result);
    deps.report?.(event, result);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: text });
    deps.log?.(`${event} could not be settled: ${text}`);
    message.nak(redeliveryDelay(message));
    deps.report?.(event, 'RETRIED');
  } finally {
    span.end();
  }
}

async function apply(work: Work, warehouseMessage: WarehouseMessage, signal: AbortSignal): Promise<InboundResult> {
  const { deps, message } = work;
  const { deliveriesMax, attemptsMax } = deps.patience ?? DEFAULT_PATIENCE;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryApply(work, warehouseMessage, signal);
    if ('verdict' in outcome) {
      message.ack();
      return outcome.verdict.kind;
    }
    if (!TRANSIENT.has(outcome.reason)) {
      const verdict = { kind: 'REJECTED', reason: outcome.reason, metadata: {} } as const;
      return refuse(work, { outcome: 'unreadable', parkedAs: 'refused', verdict });
    }
    if (attempt < attemptsMax && !signal.aborted) {
      const delayMs = Math.min(ATTEMPT_DELAY_MAX_MS, ATTEMPT_DELAY_MIN_MS * 2 ** attempt);
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    if (message.info.deliveryCount >= deliveriesMax) {
      await parkMessage(work.js, work.wms, message, 'not-applied');
      message.term('not-applied');
      return 'PARKED';
    }
    deps.log?.(`${work.event} is tried again later: ${outcome.reason}`);
    message.nak(signal.aborted ? REDELIVERY_DELAY_MIN_MS : redeliveryDelay(message));
    return 'RETRIED';
  }
}

/** A unit that throws is a bug or a lost database: neither is a reason to forget the message. */
async function tryApply({ deps }: Work, message: WarehouseMessage, signal: AbortSignal) {
  try {
    const outcome = await applyWarehouseMessage({ unitOfWork: deps.unitOfWork }, message, signal);
    return 'verdict' in outcome ? outcome : { reason: outcome.refusal.reason };
  } catch (error) {
    deps.log?.(`${message.event} failed: ${error instanceof Error ? error.message : String(error)}`);
    return { reason: 'UNEXPECTED' as const };
  }
}

/** Parks what nobody can act upon and gives the verdict on it; both may happen twice and count once. */
async function refuse(work: Work, { parkedAs, verdict }: Pick<Unreadable, 'parkedAs' | 'verdict'> & Unreadable) {
  const { message, js, wms } = work;
  if (parkedAs !== null) await parkMessage(js, wms, message, parkedAs);
  const answer = directVerdict({
    ...judgedIds(wms, message.subject),
    warehouse: '',
    occurredAt: Math.floor(message.info.timestampNanos / NANOS_PER_MS),
    verdict,
    traceparent: formatTraceparent(work.span.spanContext()),
  });
  await js.publish(answer.subject, answer.payload, { headers: answer.headers, timeout: PUBLISH_TIMEOUT_MS });
  if (parkedAs === null) message.ack();
  else message.term(parkedAs);
  return verdict.kind;
}

/** The ids to answer to; tokens that are no tokens are encoded, so that nothing unclean becomes a subject. */
function judgedIds(wms: string, subject: string) {
  const tokens = inboundTokens(subject);
  const clean = (token: string) => (decodeToken(token) === null ? encodeToken(token.slice(0, 16)) : token);
  const messageId = tokens?.messageId ?? NO_ID;
  return {
    messageId: decodeToken(messageId) ?? messageId,
    tokens: { wms: encodeToken(wms), event: clean(tokens?.event ?? NO_ID), messageId: clean(messageId) },
  };
}

function redeliveryDelay({ info }: JsMsg): number {
  return Math.min(REDELIVERY_DELAY_MAX_MS, REDELIVERY_DELAY_MIN_MS * 2 ** Math.min(info.deliveryCount - 1, 6));
}
