import type { SimLine } from '../commands.ts';
import { availableIn, inForce, mayHold } from './rules.ts';
import { exchangedOf, isKnownSku, isKnownWarehouse, type Model, type ModelLine, WAREHOUSES } from './state.ts';

/** Units of each line by warehouse. */
export type Places = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** What to do where there is not enough. */
export type Policy = 'reject' | 'partial' | 'waitlist';

export function policyOf({
  partial,
  waitlist = false,
}: {
  readonly partial: boolean;
  readonly waitlist?: boolean;
}): Policy {
  if (waitlist) return 'waitlist';
  return partial ? 'partial' : 'reject';
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

/** What places lines: how much may be had where, how warehouses are chosen, and which are asked. */
interface Placing {
  readonly policy: Policy;
  readonly splitAllowed: boolean;
  readonly mostFirst: boolean;
  /** In the order they are asked. */
  readonly warehouses: readonly string[];
  readonly offer: (sku: string, warehouse: string) => number;
}

/**
 * Where the lines are served from, or null where there is not enough.
 * @param own units one holds and gives back, which nobody else can have
 * @param rules how warehouses are chosen
 */
export function place(
  model: Model,
  lines: readonly SimLine[],
  policy: Policy,
  isSale: boolean,
  own: (sku: string, warehouse: string) => number,
  rules = inForce(model),
): Places | null {
  const { sourcing, splitAllowed } = rules;
  const offer = (sku: string, warehouse: string) => availableIn(model, sku, warehouse, isSale) + own(sku, warehouse);
  const plain: Placing = { policy, splitAllowed, mostFirst: false, warehouses: WAREHOUSES, offer };
  const most = () => placeIn(lines, { ...plain, mostFirst: true });
  if (sourcing === 'MOST_AVAILABLE') return most();
  if (sourcing !== 'FEWEST_SPLITS') return placeIn(lines, plain);
  const goal = Math.max(unitsOf(placeIn(lines, plain)), unitsOf(most()));
  const sets = [...WAREHOUSES.map((warehouse) => [warehouse]), WAREHOUSES];
  const found = sets.map((warehouses) => placeIn(lines, { ...plain, warehouses }));
  return goal === 0 ? placeIn(lines, plain) : (found.find((places) => unitsOf(places) === goal) ?? most());
}

function unitsOf(places: Places | null): number {
  const parts = [...(places?.values() ?? [])].flatMap((one) => [...one.values()]);
  return parts.reduce((sum, units) => sum + units, 0);
}

/** Line by line; pinned lines choose first. */
function placeIn(lines: readonly SimLine[], placing: Placing): Places | null {
  const { policy, splitAllowed, mostFirst } = placing;
  const placed = new Map<number, Map<string, number>>();
  const left = (sku: string, warehouse: string) => {
    let taken = 0;
    for (const [at, parts] of placed) if (lines[at]?.sku === sku) taken += parts.get(warehouse) ?? 0;
    return Math.max(0, placing.offer(sku, warehouse) - taken);
  };
  const order = [...lines.entries()];
  const inOrder = [
    ...order.filter(([, line]) => line.warehouse !== ''),
    ...order.filter(([, line]) => line.warehouse === ''),
  ];
  for (const [at, line] of inOrder) {
    const asked = placing.warehouses.filter((warehouse) => line.warehouse === '' || line.warehouse === warehouse);
    const offers = asked.map((warehouse) => [warehouse, left(line.sku, warehouse)] as const);
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
    if (missing > 0 && policy === 'reject') return null;
    if (parts.size > 0) placed.set(at, parts);
  }
  return placed.size === 0 && policy !== 'waitlist' ? null : placed;
}

export function toLines(lines: readonly SimLine[], places: Places, firstNumber: number): ModelLine[] {
  return lines.map((line, at) => ({
    lineNumber: firstNumber + at,
    sku: line.sku,
    quantity: line.quantity,
    orderLineId: line.orderLineId,
    changedAt: 0,
    pinned: line.warehouse !== '',
    waiting: null,
    parts: [...(places.get(at) ?? [])]
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
