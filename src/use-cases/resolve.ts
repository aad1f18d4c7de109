import { uncountedDelta } from '../domain/counting.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { isLive, type ReleaseReason, type Reservation } from '../domain/reservation.ts';
import { extend, fulfil, type LineQuantity, release } from '../domain/resolution.ts';
import { poolKey } from '../domain/stock-level.ts';
import { checkEtag, type PoolChange, type Transition } from '../domain/transition.ts';
import type { Target, WorkingSet } from '../domain/working-set.ts';
import type { Command, Decision, Outcome, UnitOfWork } from '../ports.ts';
import { type Call, causeOf, claimOf, needsTarget, type RequestKey, reservationAnswer, submitOne } from './call.ts';

interface TargetInput extends RequestKey {
  readonly target: Target;
  /** Empty asks for no check. */
  readonly etag: string;
}

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
  return submitTarget(deps, 'release', 'Release', input, call, reason, true, (found, work) =>
    release(found, input.reason, work.now),
  );
}

/** Consumes what is held, whole or per line. */
export function fulfilReservation(deps: Deps, input: FulfilInput, call: Call): Promise<Outcome> {
  return submitTarget(deps, 'fulfil', 'Fulfil', { ...input, etag: '' }, call, '', false, (found, work) =>
    fulfil(found, input.lines, input.close, work.now),
  );
}

/** Moves the deadline later, within the rules. */
export function extendReservation(deps: Deps, input: ExtendInput, call: Call): Promise<Outcome> {
  return submitTarget(deps, 'extend', 'Extend', input, call, '', false, (found, work) =>
    extend(found, input.expireAt, work.rules, work.now),
  );
}

function submitTarget(
  deps: Deps,
  name: string,
  method: string,
  input: TargetInput,
  call: Call,
  reason: string,
  absentIsDone: boolean,
  decide: (found: Reservation, work: WorkingSet) => Transition,
): Promise<Outcome> {
  const command: Command = {
    name,
    caller: call.caller,
    claim: claimOf(method, input),
    needs: needsTarget(input.target),
    lineCount: 1,
    trace: call.trace,
    decide: (work) => decideTarget(work, input, call, reason, absentIsDone, decide),
  };
  return submitOne(deps.unitOfWork, command, call);
}

function decideTarget(
  work: WorkingSet,
  input: TargetInput,
  call: Call,
  reason: string,
  absentIsDone: boolean,
  decide: (found: Reservation, work: WorkingSet) => Transition,
): Decision {
  const found = work.find(input.target);
  if (found === null) {
    if (absentIsDone && input.target.by === 'exchange') return { answer: reservationAnswer(null) };
    return {
      refusal: refuse('UNKNOWN_RESERVATION', 'there is no such reservation', {
        [`${input.target.by}_id`]: input.target.id,
      }),
    };
  }
  // What is resolved says so whatever version the caller knows: a second attempt is no conflict.
  const mismatch = isLive(found) ? checkEtag(found, input.etag) : null;
  if (mismatch !== null) return { refusal: mismatch };
  return recordTransition(work, found, decide(found, work), call, reason);
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
  for (const { sku, warehouse, delta } of pools) {
    const key = poolKey(sku, warehouse);
    const level = work.pools.get(key);
    if (level === undefined) continue;
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
