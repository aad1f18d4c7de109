import { chooseHoldWindow, deadlineOf } from './hold-window.ts';
import { latestFollowed, type ReachedMilestone } from './milestone.ts';
import { checkKnown, type PastCase, type PastRequest } from './past-case.ts';
import { type Refusal, refuse } from './refusal.ts';
import {
  canExpire,
  isLive,
  isPickAsked,
  type LiveReservation,
  type Reservation,
  withoutAwaiting,
} from './reservation.ts';
import type { RuleSet } from './rule-book.ts';
import { checkSizeLimits, type Rules } from './rules.ts';
import { alreadyResolved, changed, type Transition, UNCHANGED } from './transition.ts';

/** The shortest time that is left to a reservation whose deadline rules move, in milliseconds. */
const NOTICE_MIN_MS = 1_000;

/** Why rules leave a reservation as it is. */
export interface LeftAsIs {
  /** One readable sentence. */
  readonly left: string;
  /** What a Reserve would be refused for, or why nothing can be changed; null where that is not the matter. */
  readonly refusal: Refusal | null;
}

/** What is known of a reservation beside itself. */
export interface AppliedTo {
  /** The request that made it; null where nobody knows. */
  readonly past: PastCase | null;
  /** The rules it follows until now. */
  readonly own: Rules;
  readonly reached: readonly ReachedMilestone[];
  /** What its pick would await by the other rules. */
  readonly awaited: Pick<Reservation, 'pickAwaits'>;
}

/**
 * What a held reservation becomes by other rules, as if they had held when it was made: it follows them from now on, with
 * the deadline they give it. A deadline that somebody moved stays, within the longest window, and so does a pick that was asked
 * for; one that was not awaits what they say. What a warehouse has begun
 * and what the rules would have refused is left as it is; nothing is released.
 */
export function applyRules(
  reservation: Reservation,
  set: RuleSet,
  { past, own, reached, awaited }: AppliedTo,
  now: number,
): Transition | LeftAsIs {
  if (!isLive(reservation)) return leftFor(alreadyResolved(reservation));
  const { rules } = set;
  if (reservation.ruleVersion === rules.version) return UNCHANGED;
  if (reservation.state === 'WAITLISTED')
    return { left: 'it waits for stock by the rules that made it wait', refusal: null };
  if (!canExpire(reservation)) {
    const { state } = reservation;
    return leftFor(refuse('BEING_PICKED', 'the warehouse has begun', { state }));
  }
  const request = past?.request ?? null;
  if (past === null || request === null) return { left: 'the request was not kept', refusal: null };
  const eligible = checkKnown(set, request, past.decidedAt);
  if (eligible !== null && !('reason' in eligible)) return { left: eligible.missing, refusal: null };
  const refusal = eligible ?? checkSizeLimits(rules, request.lines.length, unitsOf(request));
  if (refusal !== null) return leftFor(refusal);
  const deadline = ruleDeadline(rules, reservation, request, reached);
  if (typeof deadline !== 'number') return deadline;
  const expireAt = nextDeadline(reservation, rules, { own, request, reached }, deadline, now);
  const kind = expireAt > reservation.expireAt ? 'extended' : 'changed';
  const next = { ...withoutAwaiting(reservation), ...(isPickAsked(reservation) ? {} : awaited) };
  return changed(kind, { ...next, ruleVersion: rules.version, expireAt });
}

function leftFor(refusal: Refusal): LeftAsIs {
  return { left: refusal.message, refusal };
}

function unitsOf({ lines }: PastRequest): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** The end of the window that began when the reservation was made, or with the latest milestone that moved it. */
function ruleDeadline(
  rules: Rules,
  { channel, createdAt }: LiveReservation,
  request: PastRequest,
  reached: readonly ReachedMilestone[],
): number | LeftAsIs {
  const window = chooseHoldWindow(rules, channel, request.holdWindowMs);
  if ('refusal' in window) return leftFor(window.refusal);
  const followed = latestFollowed(rules, reached);
  if (followed === null) return deadlineOf(rules, createdAt, window.holdWindowMs);
  const { rule, occurredAt } = followed;
  if (rule.action === 'SET_DEADLINE') return deadlineOf(rules, occurredAt, rule.deadlineMs);
  return { left: `${rule.milestone} was reported, by which these rules would have ended it`, refusal: null };
}

/** A deadline that the reservation's own rules did not give it was moved by somebody, who is not overruled. */
function nextDeadline(
  reservation: LiveReservation,
  rules: Rules,
  {
    own,
    request,
    reached,
  }: { readonly own: Rules; readonly request: PastRequest; readonly reached: AppliedTo['reached'] },
  deadline: number,
  now: number,
): number {
  const latest = deadlineOf(rules, now, rules.maxHoldWindowMs);
  if (ruleDeadline(own, reservation, request, reached) !== reservation.expireAt) {
    return Math.min(latest, reservation.expireAt);
  }
  const earliest = deadlineOf(rules, now, Math.max(NOTICE_MIN_MS, rules.minHoldWindowMs));
  return Math.min(latest, Math.max(earliest, deadline));
}
