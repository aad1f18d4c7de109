import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { JsMsg } from '@nats-io/jetstream';
import { MILESTONES } from '../../src/domain/milestone-rules.ts';
import { Milestone } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { ReportMilestoneRequestSchema } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import type { ReportMilestoneInput } from '../../src/use-cases/report-milestone.ts';
import { readInbound } from '../nats/read-inbound.ts';
import { exchangeOf } from '../nats/subjects.ts';

/** What nobody can act upon says under which name it is parked. */
export type ReadMilestone =
  | { readonly exchangeId: string; readonly input: ReportMilestoneInput }
  | { readonly unreadable: 'undecodable' | 'invalid' | 'invalid-exchange' };

const NANOS_PER_MS = 1_000_000;

/** Decodes and checks one message. The exchange is the subject's: a message may leave it out but name no other. */
export function readMilestone(raw: Pick<JsMsg, 'subject' | 'data' | 'headers' | 'info'>): ReadMilestone {
  const exchangeId = exchangeOf(raw.subject);
  if (exchangeId === null) return { unreadable: 'invalid-exchange' };
  const read = readInbound(ReportMilestoneRequestSchema, raw, (request) => {
    if (request.target.case === undefined) request.target = { case: 'exchangeId', value: exchangeId };
  });
  if ('unreadable' in read) return { unreadable: read.unreadable };
  const { message: request, contentHash } = read;
  const milestone = MILESTONES.find((one) => Milestone[one] === request.milestone);
  if (milestone === undefined) return { unreadable: 'invalid' };
  if (request.target.case !== 'exchangeId' || request.target.value !== exchangeId) {
    return { unreadable: 'invalid-exchange' };
  }
  const { requestId, occurredTime, note } = request;
  // Delivered late, it still happened when it was sent.
  const sentAt = Math.floor(raw.info.timestampNanos / NANOS_PER_MS);
  const occurredAt = occurredTime === undefined ? sentAt : timestampMs(occurredTime);
  const target = { by: 'exchange', id: exchangeId } as const;
  return { exchangeId, input: { requestId, contentHash, target, milestone, occurredAt, note } };
}
