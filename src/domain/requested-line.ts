import { checkOrderLine } from './eligibility.ts';
import { type Refusal, refuse } from './refusal.ts';
import { type Reservation, type ReservationLine, reservedUnits } from './reservation.ts';
import { forChannel } from './rules.ts';
import { inPriorityOrder, type LineDemand, type Placement, type Warehouse } from './sourcing.ts';
import type { WorkingSet } from './working-set.ts';

/** One line as a caller asks for it. */
export interface RequestedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly orderLineId: string;
  readonly returnedSku: string;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** Units bought on the order line; 0 where unknown. */
  readonly purchasedQuantity: number;
}

export function requestedUnits(lines: readonly RequestedLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** Refuses items and warehouses nobody knows; a retired item is never promised again. */
export function checkNames(work: WorkingSet, lines: readonly RequestedLine[]): Refusal | null {
  for (const { sku, warehouse } of lines) {
    const item = work.item(sku);
    if (item === null || item.retired) return refuse('UNKNOWN_SKU', `no item has the SKU ${sku}`, { sku });
    const unknown = warehouse === '' ? null : checkWarehouse(work, warehouse);
    if (unknown !== null) return unknown;
  }
  return null;
}

export function checkWarehouse(work: WorkingSet, warehouse: string): Refusal | null {
  if (work.warehouse(warehouse) !== null) return null;
  return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { warehouse });
}

/**
 * Units asked for on one order line are summed over the request before they are held against what was bought.
 * @param replaced the reservation whose held units are given back in the same change, or null
 */
export function checkOrderLines(
  work: WorkingSet,
  orderId: string,
  lines: readonly RequestedLine[],
  replaced: Reservation | null,
): Refusal | null {
  const asked = new Map<string, { units: number; purchased: number }>();
  for (const line of lines) {
    if (line.orderLineId === '') continue;
    const sum = asked.get(line.orderLineId) ?? { units: 0, purchased: 0 };
    asked.set(line.orderLineId, {
      units: sum.units + line.quantity,
      purchased: sum.purchased === 0 ? line.purchasedQuantity : sum.purchased,
    });
  }
  for (const [orderLineId, { units, purchased }] of asked) {
    const use = work.orderLine(orderId, orderLineId);
    const exchanged = use.exchanged - heldOn(replaced, orderLineId);
    const refusal = checkOrderLine({ ...use, exchanged, purchased: use.purchased || purchased }, units);
    if (refusal !== null) return refusal;
  }
  return null;
}

function heldOn(reservation: Reservation | null, orderLineId: string): number {
  const lines = reservation?.lines.filter((line) => line.orderLineId === orderLineId) ?? [];
  return lines.reduce((sum, line) => sum + reservedUnits(line), 0);
}

/** Remembers what was bought on the order lines of a request that is granted. */
export function keepPurchased(work: WorkingSet, orderId: string, lines: readonly RequestedLine[]): void {
  for (const line of lines) {
    if (line.orderLineId !== '') work.setPurchased(orderId, line.orderLineId, line.purchasedQuantity);
  }
}

/** The warehouses a channel is served from, in the order to ask them. */
export function servingWarehouses(work: WorkingSet, channel: string): Warehouse[] {
  return inPriorityOrder(work.warehouses(), forChannel(work.rules.channelWarehouses, channel));
}

/** What the lines ask of the pools, numbered in their order from `firstNumber`. */
export function toDemands(
  lines: readonly Pick<RequestedLine, 'sku' | 'quantity' | 'warehouse'>[],
  firstNumber: number,
): LineDemand[] {
  return lines.map(({ sku, quantity, warehouse }, at) => ({ lineNumber: firstNumber + at, sku, quantity, warehouse }));
}

/** The lines with what was placed for them, numbered in their order from `firstNumber`. */
export function toLines(
  lines: readonly RequestedLine[],
  firstNumber: number,
  placements: readonly Placement[],
): ReservationLine[] {
  return lines.map(({ sku, quantity, orderLineId, returnedSku }, at) => ({
    lineNumber: firstNumber + at,
    sku,
    quantity,
    orderLineId,
    returnedSku,
    allocations: placements
      .filter((placement) => placement.lineNumber === firstNumber + at)
      .map((placement) => ({
        warehouse: placement.warehouse,
        reserved: placement.quantity,
        picked: 0,
        short: 0,
        fulfilled: 0,
        released: 0,
      })),
  }));
}
