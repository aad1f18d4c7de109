import type { Caller } from '../domain/caller.ts';
import { returnToStock } from '../domain/notification.ts';
import { abortPick, confirmPick, shortPick, startPick } from '../domain/picking.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { isLive, isServedBy, type LiveReservation, type Reservation } from '../domain/reservation.ts';
import { isChangedSince } from '../domain/shipment.ts';
import type { Transition } from '../domain/transition.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { type Command, NO_NEEDS, type UnitOfWork, type Verdict } from '../ports.ts';
import { causeOf, claimOf } from './call.ts';
import { lateShipment, releasedLines, ship } from './ship.ts';
import { countAll, countNeeds } from './stock.ts';
import {
  ACCEPTED,
  type CountMessage,
  holdsNothing,
  ignored,
  type PickEvent,
  type PickMessage,
  recordMessage,
  rejected,
  type WarehouseMessage,
} from './warehouse-verdict.ts';

export type { PickEvent, WarehouseMessage } from './warehouse-verdict.ts';

/**
 * Applies a warehouse's message exactly once and answers with the verdict, which is also announced in the same
 * commit. The same message id again gets the same verdict and has no further effect.
 * Infrastructure trouble is a refusal of the outcome, not a verdict: the message must then be delivered again.
 */
export async function applyWarehouseMessage(
  deps: { readonly unitOfWork: UnitOfWork },
  message: WarehouseMessage,
  signal: AbortSignal,
): Promise<{ readonly verdict: Verdict } | { readonly refusal: Refusal }> {
  const caller: Caller = { principal: `wms:${message.wms}`, actorType: 'WAREHOUSE', channel: '' };
  const isCount = message.event === 'inventory-counted';
  const command: Command = {
    name: message.event,
    caller,
    claim: claimOf('wms', { requestId: message.messageId, contentHash: message.contentHash }),
    needs: isCount
      ? {
          ...NO_NEEDS,
          skus: [...new Set(message.counts.map((count) => count.sku))],
          newPools: message.counts,
          movedSince: countNeeds(message.counts),
        }
      : { ...NO_NEEDS, targets: [{ by: 'tracking', id: message.trackingId }] },
    lineCount: isCount ? message.counts.length : Math.max(1, message.lines.length),
    trace: message.trace,
    notice: { wms: message.wms, event: message.event, messageId: message.messageId },
    decide: (work) => ({ answer: { kind: 'verdict', verdict: decideMessage(work, message, caller) } }),
  };
  const [outcome] = await deps.unitOfWork.submit([command], { lane: 'caller', signal });
  if (outcome?.ok === true && outcome.answer.kind === 'verdict') return { verdict: outcome.answer.verdict };
  if (outcome?.ok === false && outcome.refusal.reason === 'REQUEST_ID_REUSED')
    return { verdict: rejected(outcome.refusal) };
  if (outcome?.ok === false) return { refusal: outcome.refusal };
  throw new TypeError('a unit answers each of its commands');
}

function decideMessage(work: WorkingSet, message: WarehouseMessage, caller: Caller): Verdict {
  const warehouse = work.warehouse(message.warehouse);
  if (warehouse === null) {
    return rejected(refuse('UNKNOWN_WAREHOUSE', 'no such warehouse', { warehouse: message.warehouse }));
  }
  if (warehouse.wms !== message.wms) {
    return rejected(refuse('NOT_ALLOWED', 'the warehouse belongs to another system', { warehouse: message.warehouse }));
  }
  return message.event === 'inventory-counted' ? decideCount(work, message, caller) : decidePick(work, message, caller);
}

function decideCount(work: WorkingSet, message: CountMessage, caller: Caller): Verdict {
  const foreign = message.counts.find((count) => count.warehouse !== message.warehouse);
  if (foreign !== undefined) {
    return rejected(refuse('NOT_ALLOWED', 'a count names another warehouse', { warehouse: foreign.warehouse }));
  }
  const before = work.movements.length;
  const result = countAll(work, message.counts, causeOf({ caller, trace: message.trace }, message.event));
  if ('reason' in result) return rejected(result);
  return work.movements.length === before ? ignored('older than the last count') : ACCEPTED;
}

function decidePick(work: WorkingSet, message: PickMessage, caller: Caller): Verdict {
  const found = work.find({ by: 'tracking', id: message.trackingId });
  if (found === null) {
    return rejected(refuse('UNKNOWN_RESERVATION', 'no such reservation', { tracking_id: message.trackingId }));
  }
  const refusal = isLive(found) ? checkTold(found, message) : null;
  if (refusal !== null) return rejected(refusal);
  const { event } = message;
  if (event === 'shipment-confirmed') {
    return isLive(found) ? ship(work, found, message, caller) : lateShipment(work, found, message, caller);
  }
  const verdict = recordMessage(work, found, transitionOf(work, found, event, message), message, caller);
  if (event === 'pick-confirmed' && !isLive(found)) tellOfLatePick(work, found, message);
  return verdict;
}

/** What was picked after the reservation had given its units back lies beside the shelf until somebody returns it. */
function tellOfLatePick(work: WorkingSet, found: Reservation, message: PickMessage): void {
  const { warehouse, lines } = message;
  const given = releasedLines(found, warehouse);
  if (found.state === 'FULFILLED' || given.length === 0) return;
  const units = (lines.length > 0 ? lines : given).reduce((sum, line) => sum + line.quantity, 0);
  if (units > 0) work.notifications.add(returnToStock(found, message.event, warehouse, units));
}

/** Refuses what cannot mean the lines that the warehouse has now: it was told of others when it happened. */
function checkTold(found: LiveReservation, message: PickMessage): Refusal | null {
  const { warehouse, event, lines, occurredAt } = message;
  const isShipment = event === 'shipment-confirmed';
  if (!isServedBy(found, warehouse) && !(isShipment && lines.length > 0)) return holdsNothing(message);
  if (
    event === 'pick-started' &&
    lines.length > 0 &&
    !lines.some((line) => isHeld(found, line.lineNumber, warehouse))
  ) {
    return holdsNothing(message);
  }
  if (lines.length > 0 || event === 'pick-aborted' || !isChangedSince(found, warehouse, occurredAt)) return null;
  const metadata = { state: found.state, tracking_id: found.trackingId };
  return isShipment
    ? refuse('INVALID_FIELD', 'the lines were changed since: name those that left', { field: 'lines', ...metadata })
    : refuse('TOO_LATE', 'the lines were changed since', metadata);
}

function isHeld(found: LiveReservation, lineNumber: number, warehouse: string): boolean {
  return found.lines.some(
    (line) =>
      line.lineNumber === lineNumber &&
      line.allocations.some((part) => part.warehouse === warehouse && part.reserved > 0),
  );
}

function transitionOf(
  work: WorkingSet,
  found: Reservation,
  event: Exclude<PickEvent, 'shipment-confirmed'>,
  message: PickMessage,
): Transition {
  switch (event) {
    case 'pick-started':
      return startPick(found, work.now);
    case 'pick-aborted':
      return abortPick(found, message.warehouse, work.now);
    case 'pick-confirmed':
      return confirmPick(found, message.warehouse, message.lines, work.now);
    case 'pick-shorted':
      return shortPick(found, message.warehouse, message.lines, work.now);
  }
}
