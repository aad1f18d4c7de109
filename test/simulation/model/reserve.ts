import type { ReserveCommand } from '../commands.ts';
import { canonOfModel } from './canon.ts';
import { isReported } from './milestone.ts';
import { swapLines } from './move.ts';
import { checkAmounts, checkMaximum, checkNames, keepPurchased, place, policyOf, toLines } from './place.ts';
import { HOLD_WINDOW_MS, queueRest, WAITLIST_WINDOW_MS } from './queue.ts';
import { answer } from './resolve.ts';
import { inForce } from './rules.ts';
import { byRef, isLive, isWaiting, latestOf, type Model, type ModelOutcome, type ModelReservation } from './state.ts';

const DAY_MS = 86_400_000;

/** Decides a Reserve as the contract tells it, with the first rule set. */
export function applyReserve(model: Model, command: ReserveCommand): ModelOutcome {
  const refused = checkReserve(model, command);
  if (refused !== null) return { refused };
  const latest = latestOf(model, command.exchangeId);
  if (latest !== undefined && isLive(latest)) return replace(model, latest, command);
  const isSale = command.channel === 'SALE';
  const excess =
    checkAmounts(model, command.orderId, command.lines, []) ??
    checkMaximum(model, isSale, command.lines, []) ??
    checkWindow(command);
  if (excess !== null) return { refused: excess };
  const descent = policyOf(model, command);
  const places = place(model, command.lines, { ...descent, isSale, old: [] });
  if (places === null) return { refused: 'NO_STOCK' };
  const lines = toLines(command.lines, places, 1);
  const holdWindowMs = command.holdWindowMs ?? HOLD_WINDOW_MS;
  const rules = inForce(model);
  if (descent.policy === 'waitlist') {
    queueRest(lines, command.lines, { splitAllowed: rules.splitAllowed, holdWindowMs, since: () => model.now });
  }
  const waits = isWaiting(lines);
  const reservation: ModelReservation = {
    exchangeId: command.exchangeId,
    ordinal: model.reservations.filter((one) => one.exchangeId === command.exchangeId).length,
    rank: model.rank,
    orderId: command.orderId,
    priority: command.priority ?? 0,
    isSale,
    rules,
    state: waits ? 'WAITLISTED' : 'RESERVED',
    version: 1,
    createdAt: model.now,
    warnedFor: 0,
    expireAt: model.now + (waits ? WAITLIST_WINDOW_MS : holdWindowMs),
    resolvedAt: null,
    releaseReason: null,
    overdueFlagged: false,
    pickAwaits: isReported(model, command.exchangeId, rules.pickOn) ? null : rules.pickOn,
    reached: [],
    notices: [],
    lines,
  };
  if (!command.validateOnly) {
    model.reservations.push(reservation);
    keepPurchased(model, command.orderId, command.lines);
  }
  return { reservation: canonOfModel(reservation), replayed: false };
}

/** A swap of what the exchange holds; its order and deadline stay. */
function replace(model: Model, live: ModelReservation, command: ReserveCommand): ModelOutcome {
  const isOfOrder = command.orderId === live.orderId || command.lines.every((line) => line.orderLineId === '');
  if (!isOfOrder) return { refused: 'INVALID_FIELD' };
  const changed = command.validateOnly ? structuredClone(model) : model;
  const found = byRef(changed, live) ?? live;
  const refused = swapLines(changed, found, command.lines, command);
  return refused === null ? answer(found) : { refused };
}

function checkReserve(model: Model, command: ReserveCommand): string | null {
  const unknown = checkNames(command.lines);
  if (unknown !== null) return unknown;
  const latest = latestOf(model, command.exchangeId);
  if (latest?.state === 'FULFILLED') return 'ALREADY_FULFILLED';
  if (model.closed.includes(command.exchangeId)) return 'NOT_ELIGIBLE';
  if (latest !== undefined && isLive(latest) && command.replaceExisting !== true) return 'EXCHANGE_ALREADY_RESERVED';
  if (command.deliveredAt !== null && model.now - command.deliveredAt > 90 * DAY_MS) return 'NOT_ELIGIBLE';
  return command.reason === 'ABUSE' ? 'NOT_ELIGIBLE' : null;
}

function checkWindow({ holdWindowMs }: ReserveCommand): string | null {
  const windowMs = holdWindowMs ?? 14 * DAY_MS;
  return windowMs < 1_000 || windowMs > 90 * DAY_MS ? 'RULE_LIMIT' : null;
}
