import type { Caller } from '../domain/caller.ts';
import { uncountedDelta } from '../domain/counting.ts';
import { returnToStock } from '../domain/notification.ts';
import type { PickedLine } from '../domain/picking.ts';
import { type Refusal, refuse, unsupported } from '../domain/refusal.ts';
import { isReplaced, type LiveReservation, type Reservation } from '../domain/reservation.ts';
import { fulfil } from '../domain/resolution.ts';
import { divideShipment, isFormerLine } from '../domain/shipment.ts';
import { applyDelta, fitsCounters, type StockLevel } from '../domain/stock-level.ts';
import { UNCHANGED } from '../domain/transition.ts';
import type { Cause, WorkingSet } from '../domain/working-set.ts';
import type { Verdict } from '../ports.ts';
import { causeOf } from './call.ts';
import { holdsNothing, ignored, type PickMessage, recordMessage, rejected } from './warehouse-verdict.ts';

/**
 * A shipment consumes what the warehouse held; no lines means all of it. Units that a swap or transfer had called off
 * left all the same: they are too late for the reservation, and on hand falls.
 */
export function ship(work: WorkingSet, found: LiveReservation, message: PickMessage, caller: Caller): Verdict {
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
 * Goods left although the reservation is resolved. After a fulfilment they are counted already, but for lines that
 * were replaced before; after a release or expiry the physical truth still moves on hand, which may open a shortage for the new owner.
 */
export function lateShipment(work: WorkingSet, found: Reservation, message: PickMessage, caller: Caller): Verdict {
  const cause: Cause = causeOf({ caller, trace: message.trace }, 'shipped after the reservation was resolved');
  const shipped =
    found.state === 'FULFILLED'
      ? message.lines.filter((line) => isFormerLine(found, line.lineNumber))
      : message.lines.length > 0
        ? message.lines
        : releasedLines(found, message.warehouse);
  if (found.state === 'FULFILLED' && shipped.length === 0) return ignored('already fulfilled');
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
  const left = [...units.values()].reduce((sum, quantity) => sum + quantity, 0);
  if (left > 0) work.notifications.add(returnToStock(found, message.event, message.warehouse, left));
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
    if (work.isSerial(sku)) return unsupported('late shipments of serial units');
    const level = work.pool(sku, warehouse);
    const lost = { onHand: -quantity };
    const delta = level === null ? lost : uncountedDelta(level, lost, Math.min(occurredAt, work.now));
    if (level === null || !fitsCounters(level, delta)) return notOnHand(sku, warehouse, quantity);
    if (delta.onHand !== 0) after.push(applyDelta(level, delta));
  }
  return after;
}

/** What a resolved reservation gave back at one warehouse. */
export function releasedLines(found: Reservation, warehouse: string): PickedLine[] {
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

function notOnHand(sku: string, warehouse: string, requested: number): Refusal {
  return refuse('NO_STOCK', 'more was shipped than is on hand', { sku, warehouse, requested });
}
