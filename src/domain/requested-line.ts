import { checkOrderLine, type Destination } from './eligibility.ts';
import { type HeldUnit, inOrder } from './held-units.ts';
import { poolRulesOf } from './pool-rules.ts';
import { type Refusal, refuse } from './refusal.ts';
import { type Reservation, type ReservationLine, reservedUnits, waitingUnits } from './reservation.ts';
import { forChannel, type Rules, ruleLimit } from './rules.ts';
import { inPriorityOrder, type LineDemand, nearestFirst, type Placement, type Warehouse } from './sourcing.ts';
import { SALE_CHANNEL, type StockLevel } from './stock-level.ts';
import { type OwnUnit, UnitOffer } from './unit-offer.ts';
import { checkAttributes, notChosen, type WantedAttributes } from './wanted-item.ts';
import type { WorkingSet } from './working-set.ts';

/** One line as a caller asks for it. */
export interface RequestedLine {
  /** Empty where no one item has the wanted attributes. */
  readonly sku: string;
  readonly quantity: number;
  readonly orderLineId: string;
  readonly returnedSku: string;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** Units bought on the order line; 0 where unknown. */
  readonly purchasedQuantity: number;
  /** What the replacement has to be like; absent where nothing is said of it. */
  readonly wantedAttributes?: WantedAttributes;
  /** How many items fit where not just one does. */
  readonly fittingItems?: number;
  /** Exactly these serial units; absent or empty leaves the choice. */
  readonly unitIds?: readonly string[];
  /** Items that may be held whole instead, best first; absent where none may. */
  readonly substitutes?: readonly string[];
}

/** Serial units one request may ask for. */
export const UNITS_ASKED_MAX = 1_000;

export function requestedUnits(lines: readonly RequestedLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** Refuses items and warehouses nobody knows; a retired item is never promised again. */
export function checkNames(work: WorkingSet, lines: readonly RequestedLine[]): Refusal | null {
  for (const line of lines) {
    const { sku, warehouse } = line;
    if (sku === '') return notChosen(line);
    const item = work.item(sku);
    if (item === null || item.retired) return refuse('UNKNOWN_SKU', `no item has the SKU ${sku}`, { sku });
    const differing = checkAttributes(item, line.wantedAttributes);
    if (differing !== null) return differing;
    const unknown = warehouse === '' ? null : checkWarehouse(work, warehouse);
    if (unknown !== null) return unknown;
  }
  return checkUnits(work, lines);
}

/** Exact units are asked for by name, each once, and only of items that have names for them. */
function checkUnits(work: WorkingSet, lines: readonly RequestedLine[]): Refusal | null {
  const serial = lines.filter((line) => work.isSerial(line.sku));
  const wrong = lines.find(({ sku, quantity, unitIds = [] }) => {
    const isAsked = unitIds.length > 0;
    return isAsked && (unitIds.length !== quantity || !work.isSerial(sku));
  });
  if (wrong !== undefined) {
    const text = work.isSerial(wrong.sku) ? 'as many units are named as asked for' : `${wrong.sku} has no serial units`;
    return refuse('INVALID_FIELD', text, { field: 'lines.unit_ids', sku: wrong.sku, quantity: wrong.quantity });
  }
  const named = serial.flatMap(({ sku, unitIds = [] }) => unitIds.map((unitId) => `${sku}\u0000${unitId}`));
  if (new Set(named).size < named.length) {
    return refuse('INVALID_FIELD', 'a unit is named on two lines', { field: 'lines.unit_ids' });
  }
  const units = requestedUnits(serial);
  if (units <= UNITS_ASKED_MAX) return null;
  return refuse('TOO_LARGE', `more than ${UNITS_ASKED_MAX} serial units`, { limit: UNITS_ASKED_MAX, requested: units });
}

/** The serial units the lines may be given; none where no line asks for an item that has them. */
export function unitsFor(
  work: WorkingSet,
  skus: readonly string[],
  own: readonly OwnUnit[] = [],
): { readonly units?: UnitOffer } {
  return skus.some((sku) => work.isSerial(sku)) ? { units: new UnitOffer(work.units, own) } : {};
}

function heldUnits(unitIds: readonly string[]): HeldUnit[] {
  return inOrder(unitIds.map((unitId) => ({ unitId, condition: 'HELD' as const })));
}

export function checkWarehouse(work: WorkingSet, warehouse: string): Refusal | null {
  if (work.warehouse(warehouse) !== null) return null;
  return refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { warehouse });
}

/**
 * Units asked for on one order line are summed over the request before they are held against what was bought.
 * @param replaced the reservation whose held and waiting units are given up in the same change, or null
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

/** The limit as refusals name it. */
export const EXCHANGE_MAXIMUM = 'exchange_pools.maximum';

/**
 * Refuses what would let exchanges hold more of an item than they may, over all warehouses. A sale is no exchange, and
 * a swap that holds no more of it than before takes nothing from anyone.
 * @param replaced the reservation whose held units are given back in the same change, or null
 */
export function checkExchangePools(
  work: WorkingSet,
  channel: string,
  lines: readonly RequestedLine[],
  replaced: Reservation | null,
): Refusal | null {
  if (channel === SALE_CHANNEL || work.rules.exchangePools.length === 0) return null;
  for (const sku of new Set(lines.map((line) => line.sku))) {
    const maximum = maximumOf(work, sku);
    const asked = requestedUnits(lines.filter((line) => line.sku === sku));
    const given = replaced?.lines.filter((line) => line.sku === sku) ?? [];
    const back = given.reduce((sum, line) => sum + reservedUnits(line), 0);
    const after = heldByExchanges(work.pools, sku) - back + asked;
    if (maximum === 0 || asked <= back || after <= maximum) continue;
    return ruleLimit(EXCHANGE_MAXIMUM, maximum, after, work.rules.version, { sku });
  }
  return null;
}

/** Units of an item that exchanges may hold at most; 0 means no limit. */
export function maximumOf(work: WorkingSet, sku: string): number {
  return work.rules.exchangePools.length === 0 ? 0 : poolRulesOf(work.rules).maximumOf(sku);
}

export function heldByExchanges(pools: ReadonlyMap<string, StockLevel>, sku: string): number {
  let held = 0;
  for (const level of pools.values()) if (level.sku === sku) held += level.reserved - level.saleReserved;
  return held;
}

function heldOn(reservation: Reservation | null, orderLineId: string): number {
  const lines = reservation?.lines.filter((line) => line.orderLineId === orderLineId) ?? [];
  return lines.reduce((sum, line) => sum + reservedUnits(line) + waitingUnits(line), 0);
}

/** Remembers what was bought on the order lines of a request that is granted. */
export function keepPurchased(work: WorkingSet, orderId: string, lines: readonly RequestedLine[]): void {
  for (const line of lines) {
    if (line.orderLineId !== '') work.setPurchased(orderId, line.orderLineId, line.purchasedQuantity);
  }
}

const SOMEWHERE: Destination = { countryCode: '', postalCode: '' };

/**
 * The warehouses a channel is served from, in the order to ask them.
 * @param destination where the goods go; left out where it is not known any more
 */
export function servingWarehouses(
  { sourcing, channelWarehouses }: Rules,
  warehouses: readonly Warehouse[],
  channel: string,
  destination = SOMEWHERE,
): Warehouse[] {
  const serving = inPriorityOrder(warehouses, forChannel(channelWarehouses, channel));
  return sourcing === 'NEAREST' ? nearestFirst(serving, destination) : serving;
}

/** What is the same of every choice of warehouses that a unit makes: the pools as they are, and what the rules say. */
export function sourcingTerms(work: WorkingSet, channel: string, destination?: Destination) {
  return {
    pools: work.pools,
    warehouses: servingWarehouses(work.rules, work.warehouses(), channel, destination),
    strategy: work.rules.sourcing,
    splitAllowed: work.rules.splitAllowed,
    forSale: channel === SALE_CHANNEL,
    firstOnly: !work.rules.ladder.includes('OTHER_WAREHOUSE'),
  };
}

/** What the lines ask of the pools, numbered in their order from `firstNumber`. */
export function toDemands(
  lines: readonly Pick<RequestedLine, 'sku' | 'quantity' | 'warehouse' | 'unitIds' | 'substitutes'>[],
  firstNumber: number,
): LineDemand[] {
  return lines.map(({ sku, quantity, warehouse, unitIds, substitutes }, at) => ({
    lineNumber: firstNumber + at,
    sku,
    quantity,
    warehouse,
    ...(unitIds === undefined || unitIds.length === 0 ? {} : { unitIds }),
    ...(substitutes === undefined ? {} : { substitutes }),
  }));
}

/** The lines with what was placed for them, numbered in their order from `firstNumber`. */
export function toLines(
  lines: readonly RequestedLine[],
  firstNumber: number,
  placements: readonly Placement[],
): ReservationLine[] {
  return lines.map(({ sku, quantity, orderLineId, returnedSku, warehouse }, at) => ({
    lineNumber: firstNumber + at,
    ...heldItem(sku, firstNumber + at, placements),
    quantity,
    orderLineId,
    returnedSku,
    ...(warehouse === '' ? {} : { pinned: true as const }),
    allocations: placements
      .filter((placement) => placement.lineNumber === firstNumber + at)
      .map((placement) => ({
        warehouse: placement.warehouse,
        reserved: placement.quantity,
        picked: 0,
        short: 0,
        fulfilled: 0,
        released: 0,
        ...(placement.unitIds === undefined ? {} : { units: heldUnits(placement.unitIds) }),
      })),
  }));
}

/** What the line is of: what was asked for, or what is held instead. */
function heldItem(
  sku: string,
  lineNumber: number,
  placements: readonly Placement[],
): Pick<ReservationLine, 'sku' | 'substitutedFor'> {
  const instead = placements.find((one) => one.lineNumber === lineNumber && one.substitutedFor !== undefined);
  return instead === undefined ? { sku } : { sku: instead.sku, substitutedFor: sku };
}
