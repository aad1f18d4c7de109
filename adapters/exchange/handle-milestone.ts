import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { SpanContext } from '@opentelemetry/api';
import type { Caller } from '../../src/domain/caller.ts';
import type { UnitOfWork } from '../../src/ports.ts';
import { type ReportMilestoneInput, reportMilestone } from '../../src/use-cases/report-milestone.ts';
import {
  type Attempted,
  applyPatiently,
  type Delivery,
  type DeliveryDeps,
  openWork,
  park,
  settle,
  type Work,
} from '../nats/delivery.ts';
import { spanContextOf } from '../nats/trace-context.ts';
import { readMilestone } from './read-milestone.ts';

export interface HandlerDeps extends DeliveryDeps {
  readonly unitOfWork: UnitOfWork;
}

/** The exchange platform, as the scope of its request ids and on the audit trail. */
const CALLER: Caller = { principal: 'exchange', actorType: 'SERVICE', channel: '' };

const EVENT = 'milestone';

/** Reads a reported milestone. One that nobody can act upon, or that is refused, is parked with the reason. */
export function openDelivery(deps: HandlerDeps, message: JsMsg, connection: NatsConnection): Delivery {
  const work = openWork(deps, CALLER.principal, EVENT, message, connection);
  const read = readMilestone(message);
  const parkAs = async (reason: string) => {
    await park(work, reason);
    return 'REJECTED' as const;
  };
  if ('unreadable' in read) {
    return { key: `seq:${message.seq}`, handle: () => settle(work, () => parkAs(read.unreadable)) };
  }
  return {
    key: read.exchangeId,
    handle: (signal) =>
      settle(work, () =>
        applyPatiently(
          work,
          () => report(work, read.input, signal),
          () => parkAs('refused'),
          signal,
        ),
      ),
  };
}

/** Accepted where something followed, ignored where it came again, too late, or without a rule. */
async function report(work: Work<HandlerDeps>, input: ReportMilestoneInput, signal: AbortSignal): Promise<Attempted> {
  const trace: SpanContext | null = spanContextOf(work.span);
  const outcome = await reportMilestone(work.deps, input, { caller: CALLER, signal, trace });
  if (!outcome.ok) return { reason: outcome.refusal.reason };
  const applied = outcome.answer.kind === 'milestone' && outcome.answer.applied && !outcome.replayed;
  return { kind: applied ? 'ACCEPTED' : 'IGNORED' };
}
