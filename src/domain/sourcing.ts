import type { Destination } from './eligibility.ts';
import { placeAtFewest } from './fewest-warehouses.ts';
import { type Refusal, refuse } from './refusal.ts';
import { availableUnits, poolKey, type StockLevel, saleAvailableUnits } from './stock-level.ts';
import { chosenItems, substitutesFor } from './substitution.ts';
import type { PoolChange } from './transition.ts';
import type { UnitOffer } from './unit-offer.ts';

export interface Warehouse {
  readonly code: string;
  readonly name: string;
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  /** Lower is asked first; ties are broken by code. */
  readonly priority: number;
  readonly countryCode: string;
  readonly postalCode: string;
  readonly enabled: boolean;
  /** The warehouse software that keeps its counts; empty where none is connected. */
  readonly wms: string;
}

export interface LineDemand {
  readonly lineNumber: number;
  readonly sku: string;
  readonly quantity: number;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** Exactly these serial units, as many as the quantity; absent or empty leaves the choice. */
  readonly unitIds?: readonly string[];
  /** Items that may serve the line whole instead, best first; absent or empty where none may. */
  readonly substitutes?: readonly string[];
  /** What was asked for, where `sku` is a substitute. */
  readonly substitutedFor?: string;
}

export interface Placement {
  readonly lineNumber: number;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  /** The serial units that were chosen; absent where the item has none. */
  readonly unitIds?: readonly string[];
  /** What was asked for, where `sku` is a substitute. */
  readonly substitutedFor?: string;
}

/** What a placement takes from its pool. */
export function toPoolChange({ sku, warehouse, quantity, unitIds }: Placement): PoolChange {
  return { sku, warehouse, delta: { reserved: quantity }, ...(unitIds && { unitIds }) };
}

/**
 * How warehouses are chosen: in priority order; nearest to the destination first; for each line where most of it is
 * available; or so that the fewest warehouses take part in the whole request. Ties are broken by priority, then code.
 */
export type SourcingStrategy = 'PRIORITY' | 'NEAREST' | 'MOST_AVAILABLE' | 'FEWEST_SPLITS';

export interface SourcingRequest {
  readonly demands: readonly LineDemand[];
  /** Pools by {@link poolKey}; their due reservations have been expired before. */
  readonly pools: ReadonlyMap<string, StockLevel>;
  /** Units by {@link poolKey} that the asker holds and gives back in the same change: they are available to it alone. */
  readonly own?: ReadonlyMap<string, number>;
  /** Warehouses that may serve, in the order to ask them. */
  readonly warehouses: readonly Warehouse[];
  readonly strategy: SourcingStrategy;
  readonly splitAllowed: boolean;
  /** Takes what there is instead of refusing, as long as there is anything. */
  readonly partial: boolean;
  /** Takes nothing at all, too, instead of refusing: the rest waits. Lines that name exact units are refused all the same. */
  readonly waits?: boolean;
  /** Whether it is a sale, which leaves exchanges what is kept for them. */
  readonly forSale: boolean;
  /** The serial units to choose from, where an item has them. */
  readonly units?: UnitOffer;
  /** Serves each line by the first warehouse that is asked, or not at all; exact units are served where they are. */
  readonly firstOnly?: boolean;
  /** Units of an item that may be taken as substitutes; absent where no line takes any. */
  readonly room?: (sku: string) => number;
}

export type SourcingResult = { readonly placements: readonly Placement[] } | { readonly refusal: Refusal };

/** Enabled warehouses in the order they are asked: by priority, then by code. */
export function inPriorityOrder(warehouses: readonly Warehouse[], allowed?: readonly string[]): Warehouse[] {
  return warehouses
    .filter((warehouse) => warehouse.enabled && (allowed === undefined || allowed.includes(warehouse.code)))
    .sort((a, b) => a.priority - b.priority || (a.code < b.code ? -1 : 1));
}

/**
 * Warehouses of the destination's country first, those before that share more of the postal code from its beginning;
 * equally near ones stay in their order, as all do where the destination is unknown.
 */
export function nearestFirst(warehouses: readonly Warehouse[], destination: Destination): Warehouse[] {
  const nearness = (warehouse: Warehouse): number => {
    if (destination.countryCode === '' || warehouse.countryCode !== destination.countryCode) return -1;
    const [there, here] = [postalSigns(destination.postalCode), postalSigns(warehouse.postalCode)];
    const differs = [...there].findIndex((sign, at) => sign !== here[at]);
    return differs < 0 ? there.length : differs;
  };
  return warehouses.toSorted((a, b) => nearness(b) - nearness(a));
}

/** Postal codes are written with and without blanks and hyphens, in either case. */
function postalSigns(postalCode: string): string {
  return postalCode.toUpperCase().replace(/[^A-Z0-9]/g, '');
}

/**
 * Chooses the warehouses for every line against what earlier lines of the same request left, so that demand on one
 * pool is summed. Where one warehouse can serve a line whole, the first such is taken; else, where allowed, the line
 * is split. All lines or none, unless `partial`.
 */
export function source(request: SourcingRequest): SourcingResult {
  if (request.strategy !== 'FEWEST_SPLITS') return place(request);
  if (request.room !== undefined) return sourceChosen(request, place(request));
  const unitsAt = (demand: LineDemand, warehouse: Warehouse): number => {
    const level = request.pools.get(poolKey(demand.sku, warehouse.code));
    const isAllowed = demand.warehouse === '' || demand.warehouse === warehouse.code;
    return level === undefined || !isAllowed ? 0 : exactly(request, demand, warehouse.code, unitsFor(request, level));
  };
  return placeAtFewest({ request, place, unitsAt });
}

/** No item is given up for the sake of fewer warehouses: what serves the lines is settled before. */
function sourceChosen(request: SourcingRequest, placed: SourcingResult): SourcingResult {
  if ('refusal' in placed) return placed;
  const fewest = source(chosenItems(request, placed.placements));
  return 'refusal' in fewest ? placed : fewest;
}

/** Places may be tried more than once: each try chooses among all serial units anew. */
function place(asked: SourcingRequest): SourcingResult {
  const request = asked.units === undefined ? asked : { ...asked, units: asked.units.anew() };
  const taken = new Map<string, number>();
  const placements: Placement[] = [];
  const missed: LineDemand[] = [];
  for (const demand of inPinnedFirst(request.demands)) {
    const hasOthers = request.room !== undefined && (demand.substitutes?.length ?? 0) > 0;
    const missing = placeLine(hasOthers ? wholly(request) : request, demand, taken, placements);
    if (missing === 0) continue;
    if (hasOthers) missed.push(demand);
    else if (!mayMiss(request, demand)) return { refusal: whyNot(request, demand) };
  }
  for (const demand of missed) {
    const isServed = (other: LineDemand) => placeLine(wholly(request), other, taken, placements) === 0;
    if (substitutesFor(request, demand, placements).some(isServed)) continue;
    const missing = placeLine(request, demand, taken, placements);
    if (missing > 0 && !mayMiss(request, demand)) return { refusal: whyNot(request, demand) };
  }
  const first = request.demands[0];
  if (placements.length === 0 && first !== undefined && request.waits !== true)
    return { refusal: whyNot(request, first) };
  return { placements: placements.sort((a, b) => a.lineNumber - b.lineNumber) };
}

function wholly(request: SourcingRequest): SourcingRequest {
  return request.partial ? { ...request, partial: false } : request;
}

/** Exact units are not waited for: whoever names them wants those or none. */
function mayMiss({ partial, waits }: SourcingRequest, { unitIds = [] }: LineDemand): boolean {
  return partial && !(waits === true && unitIds.length > 0);
}

/** Lines bound to exact units or to one warehouse choose before those that can have others or go elsewhere. */
function inPinnedFirst(demands: readonly LineDemand[]): LineDemand[] {
  const rank = ({ unitIds, warehouse }: LineDemand) =>
    2 * Number((unitIds?.length ?? 0) > 0) + Number(warehouse !== '');
  return [...demands].sort((a, b) => rank(b) - rank(a));
}

function whyNot(request: SourcingRequest, demand: LineDemand): Refusal {
  return request.units?.heldByOther(demand) ?? noStock(request, demand);
}

function placeLine(
  request: SourcingRequest,
  demand: LineDemand,
  taken: Map<string, number>,
  placements: Placement[],
): number {
  const candidates = candidatesOf(request, demand).map((warehouse) => {
    const key = poolKey(demand.sku, warehouse.code);
    const level = request.pools.get(key);
    const counted = level === undefined ? 0 : Math.max(0, unitsFor(request, level) - (taken.get(key) ?? 0));
    return { key, warehouse: warehouse.code, available: exactly(request, demand, warehouse.code, counted) };
  });
  if (request.strategy === 'MOST_AVAILABLE') candidates.sort((a, b) => b.available - a.available);
  const whole = candidates.find((candidate) => candidate.available >= demand.quantity);
  const chosen = whole === undefined ? (request.splitAllowed ? candidates : largestOf(candidates)) : [whole];
  const total = chosen.reduce((sum, candidate) => sum + candidate.available, 0);
  if (total < demand.quantity && !request.partial) return demand.quantity - total;
  let missing = demand.quantity;
  for (const candidate of chosen) {
    const quantity = Math.min(missing, candidate.available);
    if (quantity === 0) continue;
    taken.set(candidate.key, (taken.get(candidate.key) ?? 0) + quantity);
    const { lineNumber, sku, substitutedFor } = demand;
    const { warehouse } = candidate;
    const instead = substitutedFor === undefined ? {} : { substitutedFor };
    const exact = request.units?.isOf(sku) === true ? { unitIds: request.units.take(demand, warehouse, quantity) } : {};
    placements.push({ lineNumber, sku, warehouse, quantity, ...exact, ...instead });
    missing -= quantity;
  }
  return missing;
}

/** Where units are told apart, no more than there are units to be named. */
function exactly({ units }: SourcingRequest, demand: LineDemand, warehouse: string, counted: number): number {
  if (counted === 0 || units?.isOf(demand.sku) !== true) return counted;
  return Math.min(counted, units.countFor(demand, warehouse));
}

/** What the asker may have of a pool: what is available to its kind, and what it holds itself. */
function unitsFor(request: SourcingRequest, level: StockLevel): number {
  return availableTo(request, level) + ownUnits(request, level);
}

/** What is available of a pool to exchanges, or to sales. */
export function availableTo({ forSale }: Pick<SourcingRequest, 'forSale'>, level: StockLevel): number {
  return forSale ? saleAvailableUnits(level) : availableUnits(level);
}

function ownUnits(request: SourcingRequest, { sku, warehouse }: StockLevel): number {
  return request.own?.get(poolKey(sku, warehouse)) ?? 0;
}

function largestOf<T extends { available: number }>(candidates: readonly T[]): T[] {
  const first = candidates[0];
  if (first === undefined) return [];
  return [candidates.reduce((best, candidate) => (candidate.available > best.available ? candidate : best), first)];
}

function candidatesOf(request: SourcingRequest, demand: LineDemand): Warehouse[] {
  const allowed = request.warehouses.filter(({ code }) => demand.warehouse === '' || code === demand.warehouse);
  const isBound = request.firstOnly === true && (demand.unitIds?.length ?? 0) === 0;
  return isBound ? firstOf(request, demand, allowed) : allowed;
}

/** The first that is asked of those that have the item at all. */
function firstOf(request: SourcingRequest, { sku }: LineDemand, warehouses: readonly Warehouse[]): Warehouse[] {
  const stocking = warehouses.flatMap((warehouse) => {
    const level = request.pools.get(poolKey(sku, warehouse.code));
    return level === undefined ? [] : [{ warehouse, available: unitsFor(request, level) }];
  });
  const chosen = request.strategy === 'MOST_AVAILABLE' ? largestOf(stocking) : stocking.slice(0, 1);
  return chosen.map(({ warehouse }) => warehouse);
}

/** Names the SKU, what the whole request asks of it, what is free, and who holds the rest. */
function noStock(request: SourcingRequest, demand: LineDemand): Refusal {
  const levels = candidatesOf(request, demand)
    .map((warehouse) => request.pools.get(poolKey(demand.sku, warehouse.code)))
    .filter((level) => level !== undefined);
  const requested = request.demands
    .filter((other) => other.sku === demand.sku && (demand.warehouse === '' || other.warehouse === demand.warehouse))
    .reduce((sum, other) => sum + other.quantity, 0);
  const available = levels.reduce((sum, level) => sum + unitsFor(request, level), 0);
  const only = levels.length === 1 ? levels[0] : undefined;
  const warehouses = levels.slice(0, WAREHOUSES_NAMED_MAX).map((level) => level.warehouse);
  const holder = heldBy(request, levels);
  const place = demand.warehouse !== '' ? demand.warehouse : warehouses.join(', ');
  const text = `${requested} of ${demand.sku} requested, ${available} available${place === '' ? '' : ` in ${place}`}`;
  return refuse('NO_STOCK', holder === '' ? text : `${text}; most of the rest is held by ${holder}`, {
    sku: demand.sku,
    warehouse: demand.warehouse !== '' ? demand.warehouse : (only?.warehouse ?? ''),
    ...(warehouses.length > 1 ? { warehouses: warehouses.join(', ') } : {}),
    requested,
    available,
    version: levels.reduce((highest, level) => Math.max(highest, level.version), 0),
    held_by: holder,
  });
}

/** Warehouses a refusal names; a person reads no more. */
const WAREHOUSES_NAMED_MAX = 10;

/** Which kind of holder keeps most of what is not free: exchange, sale, safety or unavailable. */
function heldBy(request: SourcingRequest, levels: readonly StockLevel[]): string {
  const total = (pick: (level: StockLevel) => number) => levels.reduce((sum, level) => sum + pick(level), 0);
  const own = total((level) => ownUnits(request, level));
  const kept = total((level) => availableUnits(level) - availableTo(request, level));
  const held = total((level) => level.reserved - level.saleReserved);
  const sold = total((level) => level.committed + level.saleReserved);
  const holders: [string, number][] = [
    ['exchange', held + kept - (request.forSale ? 0 : own)],
    ['sale', sold - (request.forSale ? own : 0)],
    ['safety', total((level) => level.safetyStock)],
    ['unavailable', total((level) => level.unavailable)],
  ];
  const most = holders.reduce((best, holder) => (holder[1] > best[1] ? holder : best));
  return most[1] > 0 ? most[0] : '';
}
