import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { UnitOfWork } from '../../src/ports.ts';
import { applyWarehouseMessage, type WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { parkMessage } from '../nats/dead-letter.ts';
import {
  type Attempted,
  applyPatiently,
  type Delivery,
  type DeliveryDeps,
  type InboundResult,
  openWork,
  settle,
  type Work,
} from '../nats/delivery.ts';
import { decodeToken, encodeToken, inboundTokens } from '../nats/subjects.ts';
import { formatTraceparent, spanContextOf } from '../nats/trace-context.ts';
import { directVerdict } from '../nats/verdict-messages.ts';
import { readMessage, type Unreadable } from './read-message.ts';

const PUBLISH_TIMEOUT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;
const NO_ID = 'unreadable';

export interface HandlerDeps extends DeliveryDeps {
  readonly unitOfWork: UnitOfWork;
}

type WmsWork = Work<HandlerDeps>;

/** Reads a message and opens its span, a child of the sender's. */
export function openDelivery(deps: HandlerDeps, wms: string, message: JsMsg, connection: NatsConnection): Delivery {
  const eventToken = inboundTokens(message.subject)?.event ?? '';
  const event = decodeToken(eventToken) ?? NO_ID;
  const work = openWork(deps, wms, event, message, connection);
  const read = readMessage(wms, message, spanContextOf(work.span));
  if (read.outcome === 'unreadable') {
    return { key: `seq:${message.seq}`, handle: () => settle(work, () => refuse(work, read)) };
  }
  const key = 'trackingId' in read.message ? `t:${read.message.trackingId}` : `w:${read.message.warehouse}`;
  return { key, handle: (signal) => settle(work, () => apply(work, read.message, signal)) };
}

function apply(work: WmsWork, warehouseMessage: WarehouseMessage, signal: AbortSignal): Promise<InboundResult> {
  const { unitOfWork } = work.deps;
  const attempt = async (): Promise<Attempted> => {
    const outcome = await applyWarehouseMessage({ unitOfWork }, warehouseMessage, signal);
    return 'verdict' in outcome ? outcome.verdict : { reason: outcome.refusal.reason };
  };
  const onRefused = (reason: string) => {
    const verdict = { kind: 'REJECTED', reason, metadata: {} } as const;
    return refuse(work, { outcome: 'unreadable', parkedAs: 'refused', verdict });
  };
  return applyPatiently(work, attempt, onRefused, signal);
}

/** Parks what nobody can act upon and gives the verdict on it; both may happen twice and count once. */
async function refuse(work: WmsWork, { parkedAs, verdict }: Pick<Unreadable, 'parkedAs' | 'verdict'> & Unreadable) {
  const { message, js, sender } = work;
  if (parkedAs !== null) await parkMessage(js, sender, message, parkedAs);
  const answer = directVerdict({
    ...judgedIds(sender, message.subject),
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
