import type { ExtendCommand, FulfilCommand, Ref, ReleaseCommand } from '../commands.ts';
import { canonOfModel } from './canon.ts';
import {
  byRef,
  findTarget,
  giveBack,
  isLive,
  isWaiting,
  lineOf,
  type Model,
  type ModelOutcome,
  type ModelReservation,
  onHandAfter,
  takeOffHand,
  tell,
} from './state.ts';

const DAY_MS = 86_400_000;

export function applyRelease(model: Model, command: ReleaseCommand): ModelOutcome {
  const found = findTarget(model, command.target);
  if (found === undefined) {
    return command.target.by === 'exchange'
      ? { reservation: null, replayed: false }
      : { refused: 'UNKNOWN_RESERVATION' };
  }
  if (differs(found, command.etag)) return { refused: 'ETAG_MISMATCH' };
  if (found.state === 'FULFILLED') return { refused: 'ALREADY_FULFILLED' };
  if (isLive(found)) {
    tell(found, 'RELEASED');
    giveBack(found);
    resolve(model, found, 'RELEASED', command.reason);
  }
  return answer(found);
}

export function applyExtend(model: Model, command: ExtendCommand): ModelOutcome {
  const found = findTarget(model, command.target);
  if (found === undefined) return { refused: 'UNKNOWN_RESERVATION' };
  if (differs(found, command.etag)) return { refused: 'ETAG_MISMATCH' };
  if (!isLive(found)) return { refused: resolvedReason(found) };
  if (command.expireAt === found.expireAt) return answer(found);
  if (command.expireAt < found.expireAt || command.expireAt <= model.now) return { refused: 'INVALID_FIELD' };
  const windowMs = command.expireAt - model.now;
  if (windowMs < 1_000 || windowMs > 90 * DAY_MS) return { refused: 'RULE_LIMIT' };
  found.expireAt = command.expireAt;
  found.version += 1;
  model.alarmed.push(found.rank);
  return answer(found);
}

export function applyFulfil(model: Model, command: FulfilCommand): ModelOutcome {
  const found = findTarget(model, command.target);
  if (found === undefined) return { refused: 'UNKNOWN_RESERVATION' };
  if (found.state === 'FULFILLED') return answer(found);
  if (!isLive(found)) return { refused: resolvedReason(found) };
  const wanted = command.lines.length > 0 ? command.lines : wholeOf(found);
  if (wanted.length === 0 && !command.close) return { refused: 'INVALID_FIELD' };
  const refused = consume(model, found, wanted, null, model.now);
  if (refused !== null) return { refused };
  closeIfDone(model, found, command.close);
  return answer(found);
}

export function wholeOf(found: ModelReservation) {
  return found.lines
    .map(({ lineNumber, parts }) => ({ lineNumber, quantity: parts.reduce((sum, part) => sum + part.reserved, 0) }))
    .filter((line) => line.quantity > 0);
}

/** A reservation of which nothing is held any more is done. */
export function closeIfDone(model: Model, found: ModelReservation, close: boolean): void {
  const waits = isWaiting(found.lines);
  const left = waits || found.lines.some((line) => line.parts.some((part) => part.reserved > 0));
  if (left && !close) {
    const parts = found.lines.flatMap((line) => line.parts);
    if (!waits && parts.every((part) => part.picked === part.reserved)) found.state = 'READY';
    found.version += 1;
    return;
  }
  giveBack(found);
  resolve(model, found, 'FULFILLED', null);
}

/**
 * Takes units off the lines and off what is on hand, at one warehouse where one is given. All or nothing.
 * @returns why not, or null
 */
export function consume(
  model: Model,
  found: ModelReservation,
  wanted: readonly { readonly lineNumber: number; readonly quantity: number }[],
  warehouse: string | null,
  at: number,
): string | null {
  const plan = new Map<ModelReservation['lines'][number]['parts'][number], number>();
  const leaving = new Map<string, number>();
  for (const { lineNumber, quantity } of wanted) {
    const line = lineOf(found, lineNumber);
    let missing = quantity;
    for (const part of line?.parts ?? []) {
      if (line === undefined || (warehouse !== null && part.warehouse !== warehouse)) continue;
      const taken = Math.min(missing, part.reserved - (plan.get(part) ?? 0));
      if (taken <= 0) continue;
      plan.set(part, (plan.get(part) ?? 0) + taken);
      const pool = `${line.sku}@${part.warehouse}`;
      leaving.set(pool, (leaving.get(pool) ?? 0) + taken);
      missing -= taken;
    }
    if (missing > 0 || quantity < 1) return 'INVALID_FIELD';
  }
  for (const [key, units] of leaving) if (onHandAfter(model, key, units, at) < 0) return 'NO_STOCK';
  for (const [key, units] of leaving) takeOffHand(model, key, units, at);
  for (const [part, units] of plan) {
    part.reserved -= units;
    part.fulfilled += units;
    part.picked = Math.max(0, part.picked - units);
    part.short = Math.min(part.short, part.reserved - part.picked);
    part.missing = Math.min(part.missing, part.reserved - part.picked - part.short);
  }
  return null;
}

/** Extends, once, what a warehouse holds past its deadline. The due ones are free already. */
export function applySweep(model: Model, refs: readonly Ref[]): ModelOutcome {
  for (const ref of refs) {
    const found = byRef(model, ref);
    if (found === undefined || !['PREPARING', 'READY'].includes(found.state)) continue;
    if (found.expireAt > model.now || found.overdueFlagged) continue;
    found.overdueFlagged = true;
    tell(found, 'LATE_PICK');
    model.alarmed.push(found.rank);
    found.expireAt = model.now + 14 * DAY_MS;
    found.version += 1;
  }
  return { swept: true };
}

/** Tells once of each deadline that lies within a day, of what was held for longer than that. */
export function applyWarnings(model: Model, refs: readonly Ref[]): ModelOutcome {
  for (const ref of refs) {
    const found = byRef(model, ref);
    if (found === undefined || !['RESERVED', 'WAITLISTED'].includes(found.state) || found.warnedFor === found.expireAt)
      continue;
    const isNear = found.expireAt > model.now && found.expireAt - model.now <= DAY_MS;
    if (!isNear || found.expireAt - found.createdAt <= DAY_MS) continue;
    found.warnedFor = found.expireAt;
    found.version += 1;
    tell(found, 'EXPIRING_SOON');
    model.alarmed.push(found.rank);
  }
  return { swept: true };
}

export function resolve(
  model: Model,
  found: ModelReservation,
  state: 'FULFILLED' | 'RELEASED',
  reason: string | null,
): void {
  found.state = state;
  found.releaseReason = reason;
  found.resolvedAt = model.now;
  found.version += 1;
}

/** Only what is live can have changed under its caller. */
export function differs(found: ModelReservation, etag: string): boolean {
  return isLive(found) && etag !== '' && etag !== `v${found.version}`;
}

export function resolvedReason(found: ModelReservation): string {
  return found.state === 'EXPIRED' ? 'EXPIRED' : `ALREADY_${found.state}`;
}

export function answer(found: ModelReservation): ModelOutcome {
  return { reservation: canonOfModel(found), replayed: false };
}
