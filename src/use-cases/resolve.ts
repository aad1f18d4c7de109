import { uncountedDelta } from '../domain/counting.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { ReleaseReason, Reservation } from '../domain/reservation.ts';
import { extend, fulfil, type LineQuantity, release } from '../domain/resolution.ts';
import { poolKey, type StockLevel } from '../domain/stock-level.ts';
import type { PoolChange, Transition } from '../domain/transition.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Decision, Outcome, UnitOfWork } from '../ports.ts';
import { type Call, causeOf, reservationAnswer, submitOne } from './call.ts';
import { type TargetInput, targetCommand } from './target-command.ts';

export interface ReleaseInput extends TargetInput {
  readonly reason: ReleaseReason;
  readonly note: string;
}

export interface FulfilInput extends Omit<TargetInput, 'etag'> {
  /** Empty means everything that is held. */
  readonly lines: readonly LineQuantity[];
  readonly close: boolean;
}

export interface ExtendInput extends TargetInput {
  /** Milliseconds since the Unix epoch. */
  readonly expireAt: number;
}

type Deps = { readonly unitOfWork: UnitOfWork };

/** Gives every held unit back. An exchange that never had a reservation is released without effect. */
export function releaseReservation(deps: Deps, input: ReleaseInput, call: Call): Promise<Outcome> {
  const reason = input.note === '' ? input.reason : `${input.reason}: ${input.note}`;
  const command = targetCommand({
    name: 'release',
    method: 'Release',
    input,
    call,
    absentIsDone: true,
    decide: (found, work) => recordTransition(work, found, release(found, input.reason, work.now), call, reason),
  });
  return submitOne(deps.unitOfWork, command, call);
}

/** Consumes what is held, whole or per line. */
export function fulfilReservation(deps: Deps, input: FulfilInput, call: Call): Promise<Outcome> {
  const { lines, close } = input;
  const command = targetCommand({
    name: 'fulfil',
    method: 'Fulfil',
    input: { ...input, etag: '' },
    call,
    decide: (found, work) => recordTransition(work, found, fulfil(found, lines, close, work.now), call, ''),
  });
  return submitOne(deps.unitOfWork, command, call);
}

/** Moves the deadline later, within the rules. */
export function extendReservation(deps: Deps, input: ExtendInput, call: Call): Promise<Outcome> {
  const command = targetCommand({
    name: 'extend',
    method: 'Extend',
    input,
    call,
    needs: { ownRules: true },
    decide: (found, work) =>
      recordTransition(work, found, extend(found, input.expireAt, work.ruleBook.of(found), work.now), call, ''),
  });
  return submitOne(deps.unitOfWork, command, call);
}

/** Writes a decided transition into the working set and answers with the reservation as it then is. */
export function recordTransition(
  work: WorkingSet,
  found: Reservation,
  transition: Transition,
  call: Pick<Call, 'caller' | 'trace'>,
  reason: string,
  occurredAt = work.now,
): Decision {
  if (transition.outcome === 'refused') return { refusal: transition.refusal };
  if (transition.outcome === 'unchanged') return { answer: reservationAnswer(found) };
  const { kind, next, pools } = transition;
  const refusal = kind === 'short' ? null : checkOnHand(work, pools, occurredAt);
  if (refusal !== null) return { refusal };
  work.record({ kind, previous: found, next, cause: causeOf(call, reason) }, pools, occurredAt);
  return { answer: reservationAnswer(next) };
}

/** Refuses when more would leave a pool than is on hand, which a count may have lowered below what is promised. */
function checkOnHand(work: WorkingSet, pools: readonly PoolChange[], occurredAt: number): Refusal | null {
  const left = new Map<string, number>();
  for (const { sku, warehouse, delta, unitIds = [] } of pools) {
    const key = poolKey(sku, warehouse);
    const level = work.pools.get(key);
    if (level === undefined) continue;
    if ((delta.onHand ?? 0) < 0) {
      const wrong = checkUnits(work, level, unitIds);
      if (wrong !== null) return wrong;
    }
    const onHand = (left.get(key) ?? level.onHand) + (uncountedDelta(level, delta, occurredAt).onHand ?? 0);
    if (onHand < 0) {
      return refuse('NO_STOCK', `more of ${sku} would leave than is on hand`, {
        sku,
        warehouse,
        requested: level.onHand - onHand,
        available: level.onHand,
        version: level.version,
        held_by: '',
      });
    }
    left.set(key, onHand);
  }
  return null;
}

/** Serial units leave only from the shelf: one that is gone or damaged has to be adjusted first. */
function checkUnits(work: WorkingSet, level: StockLevel, unitIds: readonly string[]): Refusal | null {
  const { sku, warehouse, onHand, version } = level;
  for (const unitId of unitIds) {
    const unit = work.units.get(sku, unitId);
    const isThere = unit?.onHand === true;
    if (isThere && !unit.unavailable) continue;
    return refuse('NO_STOCK', `unit ${unitId} would leave and is ${isThere ? 'unavailable' : 'not on hand'}`, {
      sku,
      warehouse,
      unit_id: unitId,
      requested: unitIds.length,
      available: onHand,
      version,
      held_by: isThere ? 'unavailable' : '',
    });
  }
  return null;
}
