import type { PickedLine } from './picking.ts';
import { type Refusal, refuse } from './refusal.ts';
import { isReplaced, type LiveReservation, type Reservation } from './reservation.ts';
import type { LineQuantity } from './resolution.ts';

/** What a shipment consumes of what is held, and what left although it is not held any more. */
export interface ShipmentParts {
  readonly held: readonly LineQuantity[];
  /** Units by SKU that a swap or transfer had called off: they are gone all the same. */
  readonly late: ReadonlyMap<string, number>;
}

/**
 * Divides what one warehouse shipped. Units beyond what it holds of a line are late as far as it gave them up; beyond
 * that they stay with what is held, where they are too many. A replaced line is only known by its number, so its SKU
 * must be named.
 */
export function divideShipment(
  reservation: LiveReservation,
  warehouse: string,
  shipped: readonly PickedLine[],
): ShipmentParts | { readonly refusal: Refusal } {
  const held: LineQuantity[] = [];
  const late = new Map<string, number>();
  const addLate = (sku: string, units: number) => late.set(sku, (late.get(sku) ?? 0) + units);
  const left = new Map<number, { reserved: number; released: number }>();
  for (const { lineNumber, sku, quantity, unitIds } of shipped) {
    const line = reservation.lines.find((one) => one.lineNumber === lineNumber && !isReplaced(one));
    if (isFormerLine(reservation, lineNumber)) {
      if (sku === '') return { refusal: namelessLine(lineNumber) };
      addLate(sku, quantity);
      continue;
    }
    if (sku !== '' && line !== undefined && sku !== line.sku) return { refusal: wrongItem(lineNumber, sku) };
    const part = line?.allocations.find((one) => one.warehouse === warehouse);
    const rest = left.get(lineNumber) ?? { reserved: part?.reserved ?? 0, released: part?.released ?? 0 };
    const excess = Math.max(0, quantity - rest.reserved);
    const gone = line !== undefined && excess <= rest.released ? excess : 0;
    left.set(lineNumber, { reserved: rest.reserved - (quantity - gone), released: rest.released - gone });
    if (gone > 0) addLate(line?.sku ?? sku, gone);
    if (quantity > gone) held.push({ lineNumber, quantity: quantity - gone, warehouse, ...(unitIds && { unitIds }) });
  }
  return { held, late };
}

/** Whether a swap or transfer gave the warehouse other lines after a message told of all that it held. */
export function isChangedSince(reservation: LiveReservation, warehouse: string, toldAt: number): boolean {
  return reservation.lines.some(
    ({ changedAt = 0, allocations }) =>
      changedAt > toldAt && allocations.some((part) => part.warehouse === warehouse && part.reserved > 0),
  );
}

/** Numbers are given in order and never again: a lower one that no line has was replaced. */
export function isFormerLine({ lines }: Reservation, lineNumber: number): boolean {
  const isThere = lines.some((line) => line.lineNumber === lineNumber && !isReplaced(line));
  return !isThere && lineNumber >= 1 && lines.some((line) => line.lineNumber > lineNumber);
}

function namelessLine(lineNumber: number): Refusal {
  return refuse('INVALID_FIELD', `line ${lineNumber} was replaced: name the SKU that left`, {
    field: 'lines',
    line_number: lineNumber,
  });
}

function wrongItem(lineNumber: number, sku: string): Refusal {
  return refuse('WRONG_UNIT', 'the line holds another item', { line_number: lineNumber, sku });
}
