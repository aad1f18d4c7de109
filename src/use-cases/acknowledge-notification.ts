import { refuse } from '../domain/refusal.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, type Decision, NO_NEEDS, type Outcome, type UnitOfWork } from '../ports.ts';
import { type Call, claimOf, type RequestKey, submitOne } from './call.ts';

export interface AcknowledgeInput extends RequestKey {
  readonly notificationId: string;
}

/** Marks a notification as seen. Who saw it first and when stands. */
export function acknowledgeNotification(
  deps: { readonly unitOfWork: UnitOfWork },
  input: AcknowledgeInput,
  call: Call,
): Promise<Outcome> {
  const notificationId = input.notificationId.toLowerCase();
  const command: Command = {
    name: 'acknowledge-notification',
    caller: call.caller,
    claim: claimOf('AcknowledgeNotification', input),
    needs: { ...NO_NEEDS, notifications: [notificationId] },
    lineCount: 1,
    trace: call.trace,
    decide: (work) => decideAcknowledge(work, notificationId, call.caller.principal),
  };
  return submitOne(deps.unitOfWork, command, call);
}

function decideAcknowledge(work: WorkingSet, notificationId: string, principal: string): Decision {
  const found = work.notifications.get(notificationId);
  if (found === null) {
    const metadata = { notification_id: notificationId };
    return { refusal: refuse('UNKNOWN_NOTIFICATION', 'there is no such notification', metadata) };
  }
  return { answer: { kind: 'notification', notification: work.notifications.acknowledge(found, principal, work.now) } };
}
