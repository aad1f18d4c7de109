import type { SimLine } from '../commands.ts';
import {
  availableIn,
  exchangedOf,
  isKnownSku,
  isKnownWarehouse,
  type Model,
  type ModelLine,
  WAREHOUSES,
} from './state.ts';

/** Units of each line by warehouse. */
export type Places = ReadonlyMap<number, ReadonlyMap<string, number>>;

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
      .flatMap((line) => line.parts)
      .reduce((sum, part) => sum + part.reserved, 0);
    if (purchased > 0 && exchangedOf(model, orderId, orderLineId) - back + asked > purchased) {
      return 'ORDER_LINE_EXHAUSTED';
    }
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

/**
 * Where the lines are served from, or null where there is not enough. Pinned lines choose first.
 * @param own units one holds and gives back, which nobody else can have
 */
export function place(
  model: Model,
  lines: readonly SimLine[],
  partial: boolean,
  own: (sku: string, warehouse: string) => number,
): Places | null {
  const placed = new Map<number, Map<string, number>>();
  const left = (sku: string, warehouse: string) => {
    let taken = 0;
    for (const [at, parts] of placed) if (lines[at]?.sku === sku) taken += parts.get(warehouse) ?? 0;
    return Math.max(0, availableIn(model, sku, warehouse) + own(sku, warehouse) - taken);
  };
  const order = [...lines.entries()];
  const inOrder = [
    ...order.filter(([, line]) => line.warehouse !== ''),
    ...order.filter(([, line]) => line.warehouse === ''),
  ];
  for (const [at, line] of inOrder) {
    const warehouses = line.warehouse === '' ? WAREHOUSES : [line.warehouse];
    const offers = warehouses.map((warehouse) => [warehouse, left(line.sku, warehouse)] as const);
    const whole = offers.find(([, units]) => units >= line.quantity);
    let missing = line.quantity;
    const parts = new Map<string, number>();
    for (const [warehouse, units] of whole === undefined ? offers : [whole]) {
      const taken = Math.min(missing, units);
      if (taken > 0) parts.set(warehouse, taken);
      missing -= taken;
    }
    if (missing > 0 && !partial) return null;
    if (parts.size > 0) placed.set(at, parts);
  }
  return placed.size === 0 ? null : placed;
}

export function toLines(lines: readonly SimLine[], places: Places, firstNumber: number): ModelLine[] {
  return lines.map((line, at) => ({
    lineNumber: firstNumber + at,
    sku: line.sku,
    quantity: line.quantity,
    orderLineId: line.orderLineId,
    changedAt: 0,
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
