import type { SpanContext } from '@opentelemetry/api';
import type { Caller } from '../domain/caller.ts';
import { type StockCount, uncountedDelta } from '../domain/counting.ts';
import { abortPick, confirmPick, type PickedLine, shortPick, startPick } from '../domain/picking.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { isLive, isReplaced, isServedBy, type LiveReservation, type Reservation } from '../domain/reservation.ts';
import { fulfil } from '../domain/resolution.ts';
import { divideShipment, isChangedSince } from '../domain/shipment.ts';
import { applyDelta, fitsCounters, type StockLevel } from '../domain/stock-level.ts';
import { type Transition, UNCHANGED } from '../domain/transition.ts';
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
  const refusal = isLive(found) ? checkTold(found, message) : null;
  if (refusal !== null) return rejected(refusal);
  const { event } = message;
  if (event === 'shipment-confirmed') {
    return isLive(found) ? ship(work, found, message, caller) : lateShipment(work, found, message, caller);
  }
  return recordMessage(work, found, transitionOf(work, found, event, message), message, caller);
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

function recordMessage(
  work: WorkingSet,
  found: Reservation,
  transition: Transition,
  message: PickMessage,
  caller: Caller,
): Verdict {
  const reason = message.code === '' ? message.event : message.code;
  const occurredAt = Math.min(message.occurredAt, work.now);
  const decision = recordTransition(work, found, transition, { caller, trace: message.trace }, reason, occurredAt);
  if ('refusal' in decision) return rejected(decision.refusal);
  const answer = decision.answer.kind === 'reservation' ? decision.answer.reservation : null;
  return answer?.version === found.version ? ignored('already so') : ACCEPTED;
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

/**
 * A shipment consumes what the warehouse held; no lines means all of it. Units that a swap or transfer had called off
 * left all the same: they are too late for the reservation, and on hand falls.
 */
function ship(work: WorkingSet, found: LiveReservation, message: PickMessage, caller: Caller): Verdict {
  const shipped = shippedLines(found, message);
  if (shipped.length === 0) return rejected(holdsNothing(message));
  const parts = divideShipment(found, message.warehouse, shipped);
  if ('refusal' in parts) return rejected(parts.refusal);
  const { held, late } = parts;
  const consumed = held.length === 0 ? UNCHANGED : fulfil(found, held, false, work.now);
  if (late.size === 0 || consumed.outcome === 'refused') return recordMessage(work, found, consumed, message, caller);
  const leaving = new Map(late);
  for (const { lineNumber, quantity } of held) {
    const sku = skuOf(found, lineNumber);
    if (leaving.has(sku)) leaving.set(sku, (leaving.get(sku) ?? 0) + quantity);
  }
  const whole = levelsAfter(work, leaving, message);
  if ('reason' in whole) return rejected(whole);
  const verdict = recordMessage(work, found, consumed, message, caller);
  if (verdict.kind === 'REJECTED') return verdict;
  return moveLate(
    work,
    found,
    late,
    message,
    causeOf({ caller, trace: message.trace }, 'shipped after it was called off'),
  );
}

function shippedLines(found: LiveReservation, message: PickMessage): readonly PickedLine[] {
  const { warehouse } = message;
  if (message.lines.length > 0) return message.lines;
  return found.lines.flatMap((line) => {
    const held = line.allocations.find((part) => part.warehouse === warehouse)?.reserved ?? 0;
    return held === 0 ? [] : [{ lineNumber: line.lineNumber, sku: line.sku, quantity: held }];
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
  return moveLate(work, found, units, message, cause);
}

/** On hand falls by what left, all or nothing; the reservation it was for stays as it is. */
function moveLate(
  work: WorkingSet,
  found: Reservation,
  units: ReadonlyMap<string, number>,
  message: PickMessage,
  cause: Cause,
): Verdict {
  const after = levelsAfter(work, units, message);
  if ('reason' in after) return rejected(after);
  const occurredAt = Math.min(message.occurredAt, work.now);
  for (const level of after) work.move(level, 'SHIPPED', cause, occurredAt);
  return { kind: 'REJECTED', reason: 'TOO_LATE', metadata: { state: found.state, tracking_id: found.trackingId } };
}

/** The pools that units left, as they then are, without those that a count has told of already. */
function levelsAfter(
  work: WorkingSet,
  units: ReadonlyMap<string, number>,
  { warehouse, occurredAt }: PickMessage,
): StockLevel[] | Refusal {
  const after: StockLevel[] = [];
  for (const [sku, quantity] of units) {
    const level = work.pool(sku, warehouse);
    const lost = { onHand: -quantity };
    const delta = level === null ? lost : uncountedDelta(level, lost, Math.min(occurredAt, work.now));
    if (level === null || !fitsCounters(level, delta)) return notOnHand(sku, warehouse, quantity);
    if (delta.onHand !== 0) after.push(applyDelta(level, delta));
  }
  return after;
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
