import { create } from '@bufbuild/protobuf';
import { unsupported } from '../domain/refusal.ts';
import {
  type AuditEvent,
  AuditEventSchema,
  AuditService,
  type ListEventsRequest,
} from '../gen/earmark/v1/audit_service_pb.ts';
import type { Checkpoint } from '../ports/checkpoints.ts';
import type * as events from '../ports/event-reader.ts';
import type { LedgerAuditor, LedgerReport } from '../ports/ledger-auditor.ts';
import { toPageRequest } from './page-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { fromTimestamp, toTimestamp } from './wire-time.ts';

/** Differences told in one answer. */
const DRIFTS_MAX = 1_000;

/** Time the ledger's verification may take, in milliseconds: it looks at everything there is. */
const VERIFY_DEADLINE_MS = 600_000;

interface Deps {
  readonly events: events.EventReader;
  readonly ledger: LedgerAuditor;
}

/** ListEvents and VerifyLedger. */
export function auditHandlers(deps: Deps): Rpc[] {
  return [
    unary(AuditService.method.listEvents, async (request) => {
      const page = await deps.events.list(toFilter(request), toPageRequest(request));
      return { events: page.rows.map(toEvent), nextPageToken: page.nextPageToken };
    }),
    unary(
      AuditService.method.verifyLedger,
      async ({ skus, warehouses, knownCheckpoints }, call) => {
        if (skus.length > 0) throw refusedCall(unsupported('skus'));
        if (warehouses.length > 0) throw refusedCall(unsupported('warehouses'));
        const known = knownCheckpoints.map(({ size, root }) => ({ size: Number(size), root }));
        return toVerifyAnswer(await deps.ledger.verify({ signal: call.signal, knownCheckpoints: known }));
      },
      { deadlineMs: VERIFY_DEADLINE_MS },
    ),
  ];
}

function toVerifyAnswer(report: LedgerReport) {
  const { checkpoint } = report;
  return {
    reservationsChecked: BigInt(report.reservationsChecked),
    poolsChecked: BigInt(report.poolsChecked),
    eventsChecked: BigInt(report.eventsChecked),
    eventsUncovered: BigInt(report.eventsUncovered),
    drifts: report.drifts
      .slice(0, DRIFTS_MAX)
      .map((drift) => ({ ...drift, expected: BigInt(drift.expected), actual: BigInt(drift.actual) })),
    ...(checkpoint === null ? {} : { checkpoint: toCheckpoint(checkpoint) }),
  };
}

function toCheckpoint({ size, root, coveredUntil, createdAt }: Checkpoint) {
  return {
    size: BigInt(size),
    root: Uint8Array.from(root),
    coveredTime: toTimestamp(coveredUntil),
    createTime: toTimestamp(createdAt),
  };
}

function toFilter(request: ListEventsRequest): events.AuditFilter {
  return {
    trackingId: request.trackingId,
    reservationId: request.reservationId,
    exchangeId: request.exchangeId,
    returnCaseId: request.returnCaseId,
    orderId: request.orderId,
    unitId: request.unitId,
    sku: request.sku,
    warehouse: request.warehouse,
    actor: request.actor,
    kinds: request.kinds,
    from: fromTimestamp(request.startTime),
    until: fromTimestamp(request.endTime),
  };
}

function toEvent(event: events.AuditEvent): AuditEvent {
  return create(AuditEventSchema, {
    eventId: event.eventId,
    reservationId: event.reservationId,
    trackingId: event.trackingId,
    exchangeId: event.exchangeId,
    reservationVersion: BigInt(event.version),
    kind: event.kind,
    actor: event.actor,
    actorType: event.actorType.toLowerCase(),
    channel: event.channel,
    reason: event.reason,
    ruleVersion: BigInt(event.ruleVersion),
    beforeJson: event.beforeJson,
    afterJson: event.afterJson,
    createTime: toTimestamp(event.createdAt),
    traceId: event.traceId,
    previousHash: Uint8Array.from(event.previousHash),
    hash: Uint8Array.from(event.hash),
    body: Uint8Array.from(event.body),
  });
}
