import type { ReserveCommand, SimLine } from '../commands.ts';
import { canonOfModel } from './canon.ts';
import {
  availableIn,
  exchangedOf,
  isKnownSku,
  isKnownWarehouse,
  isLive,
  latestOf,
  type Model,
  type ModelOutcome,
  type ModelReservation,
  WAREHOUSES,
} from './state.ts';

const DAY_MS = 86_400_000;

/** Decides a Reserve as the contract tells it, with the first rule set. */
export function applyReserve(model: Model, command: ReserveCommand): ModelOutcome {
  const refused = checkReserve(model, command);
  if (refused !== null) return { refused };
  const parts = place(model, command);
  if (parts === null) return { refused: 'NO_STOCK' };
  const reservation: ModelReservation = {
    exchangeId: command.exchangeId,
    ordinal: model.reservations.filter((one) => one.exchangeId === command.exchangeId).length,
    orderId: command.orderId,
    state: 'RESERVED',
    version: 1,
    expireAt: model.now + (command.holdWindowMs ?? 14 * DAY_MS),
    resolvedAt: null,
    releaseReason: null,
    overdueFlagged: false,
    lines: command.lines.map((line, at) => ({
      sku: line.sku,
      quantity: line.quantity,
      orderLineId: line.orderLineId,
      parts: [...(parts.get(at) ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([warehouse, reserved]) => ({ warehouse, reserved, picked: 0, short: 0, fulfilled: 0, released: 0 })),
    })),
  };
  const answer = { reservation: canonOfModel(reservation), replayed: false };
  if (command.validateOnly) return answer;
  model.reservations.push(reservation);
  for (const line of command.lines) {
    const key = `${command.orderId}/${line.orderLineId}`;
    const unknown = line.orderLineId !== '' && (model.purchased.get(key) ?? 0) === 0;
    if (unknown && line.purchased > 0) model.purchased.set(key, line.purchased);
  }
  return answer;
}

function checkReserve(model: Model, command: ReserveCommand): string | null {
  for (const line of command.lines) {
    if (!isKnownSku(line.sku)) return 'UNKNOWN_SKU';
    if (line.warehouse !== '' && !isKnownWarehouse(line.warehouse)) return 'UNKNOWN_WAREHOUSE';
  }
  const latest = latestOf(model, command.exchangeId);
  if (latest?.state === 'FULFILLED') return 'ALREADY_FULFILLED';
  if (latest !== undefined && isLive(latest)) return 'EXCHANGE_ALREADY_RESERVED';
  if (command.deliveredAt !== null && model.now - command.deliveredAt > 90 * DAY_MS) return 'NOT_ELIGIBLE';
  if (command.reason === 'ABUSE') return 'NOT_ELIGIBLE';
  if (command.lines.reduce((sum, line) => sum + line.quantity, 0) > 1_000) return 'RULE_LIMIT';
  for (const orderLineId of new Set(command.lines.map((line) => line.orderLineId))) {
    if (orderLineId !== '' && exceedsPurchase(model, command, orderLineId)) return 'ORDER_LINE_EXHAUSTED';
  }
  const windowMs = command.holdWindowMs ?? 14 * DAY_MS;
  return windowMs < 1_000 || windowMs > 90 * DAY_MS ? 'RULE_LIMIT' : null;
}

function exceedsPurchase(model: Model, command: ReserveCommand, orderLineId: string): boolean {
  const lines = command.lines.filter((line) => line.orderLineId === orderLineId);
  const asked = lines.reduce((sum, line) => sum + line.quantity, 0);
  const known = model.purchased.get(`${command.orderId}/${orderLineId}`) ?? 0;
  const purchased = known > 0 ? known : (lines.find((line) => line.purchased > 0)?.purchased ?? 0);
  return purchased > 0 && exchangedOf(model, command.orderId, orderLineId) + asked > purchased;
}

/** Units of each line by warehouse, or null where there is not enough. Pinned lines choose first. */
function place(model: Model, command: ReserveCommand): Map<number, Map<string, number>> | null {
  const left = (sku: string, warehouse: string, placed: Map<number, Map<string, number>>) => {
    let taken = 0;
    for (const [at, parts] of placed) if (command.lines[at]?.sku === sku) taken += parts.get(warehouse) ?? 0;
    return Math.max(0, availableIn(model, sku, warehouse) - taken);
  };
  const placed = new Map<number, Map<string, number>>();
  const order = [...command.lines.entries()];
  const inOrder = [
    ...order.filter(([, line]) => line.warehouse !== ''),
    ...order.filter(([, line]) => line.warehouse === ''),
  ];
  for (const [at, line] of inOrder) {
    const offers = warehousesFor(line).map((warehouse) => [warehouse, left(line.sku, warehouse, placed)] as const);
    const whole = offers.find(([, units]) => units >= line.quantity);
    let missing = line.quantity;
    const parts = new Map<string, number>();
    for (const [warehouse, units] of whole === undefined ? offers : [whole]) {
      const taken = Math.min(missing, units);
      if (taken > 0) parts.set(warehouse, taken);
      missing -= taken;
    }
    if (missing > 0 && !command.partial) return null;
    if (parts.size > 0) placed.set(at, parts);
  }
  return placed.size === 0 ? null : placed;
}

function warehousesFor(line: SimLine): readonly string[] {
  return line.warehouse === '' ? WAREHOUSES : [line.warehouse];
}
