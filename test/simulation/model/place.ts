import type { SimLine } from '../commands.ts';
import { availableIn, inForce, mayHold, spaceFor } from './rules.ts';
import {
  EQUIVALENTS,
  exchangedOf,
  isKnownSku,
  isKnownWarehouse,
  type Model,
  type ModelLine,
  WAREHOUSES,
} from './state.ts';

/** What each line gets, and how much of it by warehouse. */
export type Places = ReadonlyMap<number, { readonly sku: string; readonly parts: ReadonlyMap<string, number> }>;

/** What to do where there is not enough. */
export type Policy = 'reject' | 'partial' | 'waitlist';

/** What a request says of it. */
export interface Wishes {
  readonly partial: boolean;
  readonly waitlist?: boolean;
  readonly acceptSubstitutes?: boolean;
}

/** How far a request goes by the ladder in force. */
export function policyOf(model: Model, wishes: Wishes): { readonly policy: Policy; readonly takesOthers: boolean } {
  const { ladder } = inForce(model);
  const other = ladder.indexOf('EQUIVALENT_SKU');
  const wait = ladder.indexOf('WAITLIST');
  if (wishes.waitlist === true && wait >= 0) {
    return { policy: 'waitlist', takesOthers: wishes.acceptSubstitutes === true && other >= 0 && other < wait };
  }
  return {
    policy: wishes.partial ? 'partial' : 'reject',
    takesOthers: wishes.acceptSubstitutes === true && other >= 0,
  };
}

export function checkNames(lines: readonly SimLine[]): string | null {
  for (const line of lines) {
    if (!isKnownSku(line.sku)) return 'UNKNOWN_SKU';
    if (line.warehouse !== '' && !isKnownWarehouse(line.warehouse)) return 'UNKNOWN_WAREHOUSE';
  }
  return null;
}

/**
 * Size limits, then what was bought of the order lines.
 * @param old lines whose held units are given back first
 */
export function checkAmounts(
  model: Model,
  orderId: string,
  lines: readonly SimLine[],
  old: readonly ModelLine[],
): string | null {
  if (lines.reduce((sum, line) => sum + line.quantity, 0) > 1_000) return 'RULE_LIMIT';
  for (const orderLineId of new Set(lines.map((line) => line.orderLineId))) {
    if (orderLineId === '') continue;
    const mine = lines.filter((line) => line.orderLineId === orderLineId);
    const asked = mine.reduce((sum, line) => sum + line.quantity, 0);
    const known = model.purchased.get(`${orderId}/${orderLineId}`) ?? 0;
    const purchased = known > 0 ? known : (mine.find((line) => line.purchased > 0)?.purchased ?? 0);
    const back = old
      .filter((line) => line.orderLineId === orderLineId)
      .reduce(
        (sum, line) => line.parts.reduce((units, part) => units + part.reserved, sum + (line.waiting?.units ?? 0)),
        0,
      );
    if (purchased > 0 && exchangedOf(model, orderId, orderLineId) - back + asked > purchased) {
      return 'ORDER_LINE_EXHAUSTED';
    }
  }
  return null;
}

/**
 * What exchanges may hold of each item at most.
 * @param old lines whose held units are given back first
 */
export function checkMaximum(
  model: Model,
  isSale: boolean,
  lines: readonly SimLine[],
  old: readonly ModelLine[],
): string | null {
  if (isSale) return null;
  for (const { sku } of lines) {
    const asked = lines.filter((line) => line.sku === sku).reduce((sum, line) => sum + line.quantity, 0);
    const parts = old.filter((line) => line.sku === sku).flatMap((line) => line.parts);
    const back = parts.reduce((sum, part) => sum + part.reserved, 0);
    if (!mayHold(model, sku, asked, back)) return 'RULE_LIMIT';
  }
  return null;
}

export function keepPurchased(model: Model, orderId: string, lines: readonly SimLine[]): void {
  for (const line of lines) {
    const key = `${orderId}/${line.orderLineId}`;
    const unknown = line.orderLineId !== '' && (model.purchased.get(key) ?? 0) === 0;
    if (unknown && line.purchased > 0) model.purchased.set(key, line.purchased);
  }
}

/** Who asks, and what it gives back. */
export interface Terms {
  readonly policy: Policy;
  readonly isSale: boolean;
  /** Lines whose held units are given back first. */
  readonly old: readonly ModelLine[];
  readonly takesOthers: boolean;
}

/** What places lines: how much may be had where, how warehouses are chosen, and which are asked. */
interface Placing {
  readonly policy: Policy;
  readonly splitAllowed: boolean;
  readonly mostFirst: boolean;
  /** In the order they are asked. */
  readonly warehouses: readonly string[];
  readonly offer: (sku: string, warehouse: string) => number;
  /** Units that may be had of an item instead of another; null where none may. */
  readonly room: ((sku: string) => number) | null;
}

/** Where the lines are served from, or null where there is not enough. */
export function place(model: Model, lines: readonly SimLine[], terms: Terms, rules = inForce(model)): Places | null {
  const { policy, isSale, old, takesOthers } = terms;
  const heldOf = (sku: string) => old.filter((line) => line.sku === sku).flatMap((line) => line.parts);
  const own = (sku: string, warehouse: string) =>
    heldOf(sku)
      .filter((part) => part.warehouse === warehouse)
      .reduce((sum, part) => sum + part.reserved - part.short - part.missing, 0);
  const room = (sku: string) => {
    const back = heldOf(sku).reduce((sum, part) => sum + part.reserved, 0);
    const asked = lines.filter((line) => line.sku === sku).reduce((sum, line) => sum + line.quantity, 0);
    return spaceFor(model, sku, isSale, back) - asked;
  };
  const plain: Placing = {
    policy,
    splitAllowed: rules.splitAllowed,
    mostFirst: rules.sourcing === 'MOST_AVAILABLE',
    warehouses: WAREHOUSES,
    offer: (sku, warehouse) => availableIn(model, sku, warehouse, isSale) + own(sku, warehouse),
    room: takesOthers ? room : null,
  };
  const placed = placeIn(lines, plain);
  if (rules.sourcing !== 'FEWEST_SPLITS' || placed === null) return placed;
  const isOther = (at: number) => placed.get(at) !== undefined && placed.get(at)?.sku !== lines[at]?.sku;
  const others = [...lines.keys()].filter(isOther);
  if (others.length === 0) return placeAtFewest(lines, { ...plain, room: null });
  // Whatever serves them instead is asked for last, and whole.
  const settled = lines.map((line, at) => ({ ...line, sku: placed.get(at)?.sku ?? line.sku }));
  return placeAtFewest(settled, { ...plain, room: null, policy: 'reject' }, others) ?? placed;
}

function placeAtFewest(lines: readonly SimLine[], plain: Placing, last: readonly number[] = []): Places | null {
  const most = () => placeIn(lines, { ...plain, mostFirst: true }, last);
  const goal = Math.max(unitsOf(placeIn(lines, plain, last)), unitsOf(most()));
  const sets = [...WAREHOUSES.map((warehouse) => [warehouse]), WAREHOUSES];
  const found = sets.map((warehouses) => placeIn(lines, { ...plain, warehouses }, last));
  return goal === 0 ? placeIn(lines, plain, last) : (found.find((places) => unitsOf(places) === goal) ?? most());
}

function unitsOf(places: Places | null): number {
  const parts = [...(places?.values() ?? [])].flatMap((one) => [...one.parts.values()]);
  return parts.reduce((sum, units) => sum + units, 0);
}

/**
 * Line by line; pinned lines choose first, and what may be another item gets one only once all have chosen.
 * @param last lines that choose after the others
 */
function placeIn(lines: readonly SimLine[], placing: Placing, last: readonly number[] = []): Places | null {
  const { policy, room } = placing;
  const placed = new Map<number, { readonly sku: string; readonly parts: ReadonlyMap<string, number> }>();
  const rank = ([at, line]: readonly [number, SimLine]) =>
    2 * Number(line.warehouse === '') + Number(last.includes(at));
  const inOrder = [...lines.entries()].sort((a, b) => rank(a) - rank(b) || a[0] - b[0]);
  const missed: [number, SimLine][] = [];
  for (const [at, line] of inOrder) {
    const others = room === null ? [] : othersOf(line.sku);
    const { parts, missing } = partsOf(line, line.sku, placed, placing);
    if (missing > 0 && others.length > 0) {
      missed.push([at, line]);
      continue;
    }
    if (missing > 0 && policy === 'reject') return null;
    if (parts.size > 0) placed.set(at, { sku: line.sku, parts });
  }
  for (const [at, line] of missed) {
    const other = othersOf(line.sku).find((sku) => {
      const taken = [...placed]
        .filter(([of, one]) => one.sku === sku && lines[of]?.sku !== sku)
        .map(([of]) => lines[of]);
      const units = taken.reduce((sum, one) => sum + (one?.quantity ?? 0), line.quantity);
      return units <= (room?.(sku) ?? 0) && partsOf(line, sku, placed, placing).missing === 0;
    });
    const { parts, missing } = partsOf(line, other ?? line.sku, placed, placing);
    if (missing > 0 && policy === 'reject') return null;
    if (parts.size > 0) placed.set(at, { sku: other ?? line.sku, parts });
  }
  return placed.size === 0 && policy !== 'waitlist' ? null : placed;
}

function othersOf(sku: string): readonly string[] {
  return new Map<string, readonly string[]>(Object.entries(EQUIVALENTS)).get(sku) ?? [];
}

/** What a line could have of one item beside what is placed. */
function partsOf(line: SimLine, sku: string, placed: Places, { warehouses, offer, mostFirst, splitAllowed }: Placing) {
  const left = (warehouse: string) => {
    const taken = [...placed.values()].filter((one) => one.sku === sku);
    return Math.max(0, offer(sku, warehouse) - taken.reduce((sum, one) => sum + (one.parts.get(warehouse) ?? 0), 0));
  };
  const asked = warehouses.filter((warehouse) => line.warehouse === '' || line.warehouse === warehouse);
  const offers = asked.map((warehouse) => [warehouse, left(warehouse)] as const);
  if (mostFirst) offers.sort(([, a], [, b]) => b - a);
  const whole = offers.find(([, units]) => units >= line.quantity);
  const largest = offers.filter(([, units]) => offers.every(([, other]) => other <= units)).slice(0, 1);
  let missing = line.quantity;
  const parts = new Map<string, number>();
  for (const [warehouse, units] of whole !== undefined ? [whole] : splitAllowed ? offers : largest) {
    const taken = Math.min(missing, units);
    if (taken > 0) parts.set(warehouse, taken);
    missing -= taken;
  }
  return { parts, missing };
}

export function toLines(lines: readonly SimLine[], places: Places, firstNumber: number): ModelLine[] {
  return lines.map((line, at) => ({
    lineNumber: firstNumber + at,
    sku: places.get(at)?.sku ?? line.sku,
    insteadOf: (places.get(at)?.sku ?? line.sku) === line.sku ? '' : line.sku,
    quantity: line.quantity,
    orderLineId: line.orderLineId,
    changedAt: 0,
    pinned: line.warehouse !== '',
    waiting: null,
    parts: [...(places.get(at)?.parts ?? [])]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([warehouse, reserved]) => ({
        warehouse,
        reserved,
        picked: 0,
        short: 0,
        missing: 0,
        fulfilled: 0,
        released: 0,
      })),
  }));
}
