import type { SpanContext } from '@opentelemetry/api';
import type { Caller } from '../domain/caller.ts';
import { type StockCount, uncountedDelta } from '../domain/counting.ts';
import { abortPick, confirmPick, type PickedLine, shortPick, startPick } from '../domain/picking.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { isLive, isReplaced, isServedBy, type Reservation } from '../domain/reservation.ts';
import { fulfil, type LineQuantity } from '../domain/resolution.ts';
import { applyDelta, fitsCounters, type StockLevel } from '../domain/stock-level.ts';
import type { Transition } from '../domain/transition.ts';
import type { Cause, WorkingSet } from '../domain/working-set.ts';
import { type Command, NO_NEEDS, type UnitOfWork, type Verdict } from '../ports.ts';
import { causeOf, claimOf } from './call.ts';
import { recordTransition } from './resolve.ts';
import { countAll, countNeeds } from './stock.ts';

export type PickEvent = 'pick-started' | 'pick-aborted' | 'pick-confirmed' | 'pick-shorted' | 'shipment-confirmed';

/** One message of a warehouse system, decoded and checked for form. */
export type WarehouseMessage = {
  readonly wms: string;
  readonly messageId: string;
  /** SHA-256 over the decoded message. */
  readonly contentHash: Uint8Array;
  readonly warehouse: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly trace: SpanContext | null;
} & (
  | {
      readonly event: PickEvent;
      readonly trackingId: string;
      /** Empty means everything the warehouse holds of the reservation. */
      readonly lines: readonly PickedLine[];
      readonly code: string;
    }
  | { readonly event: 'inventory-counted'; readonly counts: readonly StockCount[] }
);

type PickMessage = Extract<WarehouseMessage, { event: PickEvent }>;
type CountMessage = Extract<WarehouseMessage, { event: 'inventory-counted' }>;

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
  if (message.event === 'shipment-confirmed' && !isLive(found)) return lateShipment(work, found, message, caller);
  if (isLive(found) && !isServedBy(found, message.warehouse)) return rejected(holdsNothing(message));
  const transition = transitionOf(work, found, message);
  const versionBefore = found.version;
  const reason = message.code === '' ? message.event : message.code;
  const occurredAt = Math.min(message.occurredAt, work.now);
  const decision = recordTransition(work, found, transition, { caller, trace: message.trace }, reason, occurredAt);
  if ('refusal' in decision) return rejected(decision.refusal);
  const answer = decision.answer.kind === 'reservation' ? decision.answer.reservation : null;
  return answer?.version === versionBefore ? ignored('already so') : ACCEPTED;
}

function transitionOf(work: WorkingSet, found: Reservation, message: PickMessage): Transition {
  switch (message.event) {
    case 'pick-started':
      return startPick(found, work.now);
    case 'pick-aborted':
      return abortPick(found, message.warehouse, work.now);
    case 'pick-confirmed':
      return confirmPick(found, message.warehouse, message.lines, work.now);
    case 'pick-shorted':
      return shortPick(found, message.warehouse, message.lines, work.now);
    case 'shipment-confirmed':
      return ship(found, message, work.now);
  }
}

/** A shipment consumes what the warehouse held; no lines means all of it. */
function ship(found: Reservation, message: PickMessage, now: number): Transition {
  const lines = shippedLines(found, message);
  if (lines.length === 0) {
    return { outcome: 'refused', refusal: holdsNothing(message) };
  }
  const wrong = message.lines.find((line) => line.sku !== '' && line.sku !== skuOf(found, line.lineNumber));
  if (wrong !== undefined) {
    return {
      outcome: 'refused',
      refusal: refuse('WRONG_UNIT', 'the line holds another item', { line_number: wrong.lineNumber, sku: wrong.sku }),
    };
  }
  return fulfil(found, lines, false, now);
}

function shippedLines(found: Reservation, message: PickMessage): LineQuantity[] {
  const { warehouse } = message;
  if (message.lines.length > 0) {
    return message.lines.map(({ lineNumber, quantity }) => ({ lineNumber, quantity, warehouse }));
  }
  return found.lines.flatMap((line) => {
    const held = line.allocations.find((part) => part.warehouse === warehouse)?.reserved ?? 0;
    return held === 0 ? [] : [{ lineNumber: line.lineNumber, quantity: held, warehouse }];
  });
}

/**
 * Goods left although the reservation is resolved. After a fulfilment they are counted already; after a release or
 * expiry the physical truth still moves on hand, which may open a shortage for the new owner.
 */
function lateShipment(work: WorkingSet, found: Reservation, message: PickMessage, caller: Caller): Verdict {
  if (found.state === 'FULFILLED') return ignored('already fulfilled');
  const cause: Cause = causeOf({ caller, trace: message.trace }, 'shipped after the reservation was resolved');
  const shipped = message.lines.length > 0 ? message.lines : releasedLines(found, message.warehouse);
  const units = new Map<string, number>();
  for (const { sku, lineNumber, quantity } of shipped) {
    const shippedSku = sku === '' ? skuOf(found, lineNumber) : sku;
    units.set(shippedSku, (units.get(shippedSku) ?? 0) + quantity);
  }
  const after: StockLevel[] = [];
  const occurredAt = Math.min(message.occurredAt, work.now);
  for (const [sku, quantity] of units) {
    const level = work.pool(sku, message.warehouse);
    const lost = { onHand: -quantity };
    const delta = level === null ? lost : uncountedDelta(level, lost, occurredAt);
    if (level === null || !fitsCounters(level, delta)) return rejected(notOnHand(sku, message.warehouse, quantity));
    if (delta.onHand !== 0) after.push(applyDelta(level, delta));
  }
  for (const level of after) work.move(level, 'SHIPPED', cause, occurredAt);
  return { kind: 'REJECTED', reason: 'TOO_LATE', metadata: { state: found.state, tracking_id: found.trackingId } };
}

function releasedLines(found: Reservation, warehouse: string): PickedLine[] {
  return found.lines.flatMap((line) => {
    const part = line.allocations.find((allocation) => allocation.warehouse === warehouse);
    if (part === undefined) return [];
    // What came back from another warehouse was given back twice, and can have left only once.
    return [{ lineNumber: line.lineNumber, sku: line.sku, quantity: Math.min(part.released, line.quantity) }];
  });
}

function skuOf(found: Reservation, lineNumber: number): string {
  return found.lines.find((line) => line.lineNumber === lineNumber && !isReplaced(line))?.sku ?? '';
}

function holdsNothing({ warehouse }: PickMessage): Refusal {
  return refuse('INVALID_FIELD', 'the warehouse holds nothing of it', { field: 'warehouse', warehouse });
}

function notOnHand(sku: string, warehouse: string, requested: number): Refusal {
  return refuse('NO_STOCK', 'more was shipped than is on hand', { sku, warehouse, requested });
}

const ACCEPTED: Verdict = { kind: 'ACCEPTED', reason: '', metadata: {} };

function ignored(why: string): Verdict {
  return { kind: 'IGNORED', reason: '', metadata: { why } };
}

function rejected(refusal: Refusal): Verdict {
  return { kind: 'REJECTED', reason: refusal.reason, metadata: refusal.metadata };
}
