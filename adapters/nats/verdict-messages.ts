import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { MessageVerdictSchema, Verdict } from '../../src/gen/earmark/wms/v1/message_verdict_pb.ts';
import type { Verdict as VerdictFacts } from '../../src/ports.ts';
import { encodeMessage } from './codec.ts';
import { EVENT_SOURCE, type OutgoingMessage, type PublishContext, type VerdictRow } from './outgoing.ts';
import { ackSubject, ackSubjectOfTokens, encodeToken } from './subjects.ts';

const VERDICT_VERSION = 1n;

/** The verdict on one inbound message, as the outbox holds it. */
export function verdictMessage(row: VerdictRow, context: PublishContext): OutgoingMessage {
  const { wms, event, messageId } = row.notice;
  return encodeVerdict({
    subject: ackSubject(wms, event, messageId),
    tokens: { wms: encodeToken(wms), event: encodeToken(event), messageId: encodeToken(messageId) },
    messageId,
    warehouse: '',
    occurredAt: row.createdAt,
    epoch: context.epoch,
    verdict: row.verdict,
    traceparent: context.traceparent,
  });
}

export interface DirectVerdict {
  readonly tokens: { readonly wms: string; readonly event: string; readonly messageId: string };
  /** The judged message's id as far as it could be read. */
  readonly messageId: string;
  readonly warehouse: string;
  readonly occurredAt: number;
  readonly verdict: VerdictFacts;
  readonly traceparent: string;
}

/** The verdict on a message that never reached a unit of work: it has no form, or nobody handles its event. */
export function directVerdict(facts: DirectVerdict): OutgoingMessage {
  const { wms, event, messageId } = facts.tokens;
  return encodeVerdict({ ...facts, subject: ackSubjectOfTokens(wms, event, messageId), epoch: 0n });
}

function encodeVerdict(facts: DirectVerdict & { readonly subject: string; readonly epoch: bigint }): OutgoingMessage {
  const { tokens, messageId, verdict } = facts;
  // Two warehouse systems may use the same id, so it alone does not tell their verdicts apart in one stream.
  const deduplicationId = `v:${tokens.wms}:${tokens.event}:${tokens.messageId}`;
  const message = create(MessageVerdictSchema, {
    messageId,
    warehouse: facts.warehouse,
    occurredTime: timestampFromMs(facts.occurredAt),
    version: VERDICT_VERSION,
    epoch: facts.epoch,
    verdict: Verdict[verdict.kind],
    reason: verdict.reason,
    metadata: { ...verdict.metadata },
  });
  const encoded = encodeMessage(MessageVerdictSchema, message, {
    source: `${EVENT_SOURCE}/${tokens.wms}/${tokens.event}`,
    subject: messageId,
    sequence: VERDICT_VERSION,
    traceparent: facts.traceparent,
    deduplicationId,
  });
  return { ...encoded, subject: facts.subject, messageId };
}
