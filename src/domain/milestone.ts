import { deadlineOf } from './hold-window.ts';
import { isTerminal, MILESTONES, type Milestone, type MilestoneRule } from './milestone-rules.ts';
import { isDue, isLive, type LiveReservation, type Reservation, withoutAwaiting } from './reservation.ts';
import { fulfil, release } from './resolution.ts';
import type { Rules } from './rules.ts';
import { changed, type Transition, UNCHANGED } from './transition.ts';

/** A milestone and when it was reached, in milliseconds since the Unix epoch. */
export interface ReachedMilestone {
  readonly milestone: Milestone;
  readonly occurredAt: number;
}

/**
 * What follows from a milestone by the rules the reservation was decided by. Each milestone counts once; one that a
 * later one has overtaken changes nothing any more, so that they may come in any order; only the pick that awaits it is
 * asked for all the same. Nothing follows for what is resolved.
 * @param reached what was reported of the reservation before
 */
export function followMilestone(
  reservation: Reservation,
  rules: Rules,
  report: ReachedMilestone,
  reached: readonly ReachedMilestone[],
  now: number,
): Transition {
  if (!isLive(reservation) || isDue(reservation, now)) return UNCHANGED;
  return askPick(followRule(reservation, rules, report, reached, now), reservation, report.milestone);
}

/** Whether the pick of a reservation that the clock has not freed awaits the milestone, which asks for it then. */
export function askPickOn(reservation: Reservation, milestone: Milestone, now: number): Transition {
  if (!isLive(reservation) || isDue(reservation, now)) return UNCHANGED;
  return askPick(UNCHANGED, reservation, milestone);
}

/** What follows from the milestone, and the pick with it, in one change: also where a later one has overtaken it. */
function askPick(followed: Transition, reservation: LiveReservation, milestone: Milestone): Transition {
  if (reservation.pickAwaits !== milestone || followed.outcome === 'refused') return followed;
  if (followed.outcome === 'unchanged') return changed('changed', withoutAwaiting(reservation));
  return { ...followed, next: withoutAwaiting(followed.next) };
}

function followRule(
  reservation: LiveReservation,
  rules: Rules,
  report: ReachedMilestone,
  reached: readonly ReachedMilestone[],
  now: number,
): Transition {
  if (reached.some(({ milestone }) => milestone === report.milestone)) return UNCHANGED;
  const rule = ruleFor(rules, report.milestone);
  if (rule === null || (!isTerminal(report.milestone) && isOvertaken(rules, report, reached))) return UNCHANGED;
  switch (rule.action) {
    case 'NONE':
      return UNCHANGED;
    case 'SET_DEADLINE':
      return setDeadline(reservation, rules, Math.min(report.occurredAt, now), rule.deadlineMs, now);
    case 'FULFIL':
      // What still waits would never be asked for again.
      return fulfil(reservation, [], true, now);
    case 'RELEASE':
      return release(reservation, rule.releaseReason, now);
  }
}

/** The latest milestone from which anything follows, and what; null where there is none. */
export function latestFollowed(
  rules: Rules,
  reached: readonly ReachedMilestone[],
): { readonly rule: MilestoneRule; readonly occurredAt: number } | null {
  let latest: ReachedMilestone | null = null;
  for (const one of reached) {
    const action = ruleFor(rules, one.milestone)?.action ?? 'NONE';
    if (action !== 'NONE' && (latest === null || isLater(one, latest))) latest = one;
  }
  const rule = latest === null ? null : ruleFor(rules, latest.milestone);
  return latest === null || rule === null ? null : { rule, occurredAt: latest.occurredAt };
}

function ruleFor(rules: Rules, milestone: Milestone): MilestoneRule | null {
  return rules.milestones.find((rule) => rule.milestone === milestone) ?? null;
}

/** Whether a later milestone has brought something about already. */
function isOvertaken(rules: Rules, report: ReachedMilestone, reached: readonly ReachedMilestone[]): boolean {
  return reached.some((one) => {
    const action = ruleFor(rules, one.milestone)?.action ?? 'NONE';
    return action !== 'NONE' && isLater(one, report);
  });
}

/** By what happens after what in an exchange; goods may be inspected again, so there the time tells. */
function isLater(one: ReachedMilestone, other: ReachedMilestone): boolean {
  const [a, b] = [stepOf(one.milestone), stepOf(other.milestone)];
  if (a !== b) return a > b;
  if (one.occurredAt !== other.occurredAt) return one.occurredAt > other.occurredAt;
  return MILESTONES.indexOf(one.milestone) > MILESTONES.indexOf(other.milestone);
}

function stepOf(milestone: Milestone): number {
  return MILESTONES.indexOf(milestone === 'INSPECTION_FAILED' ? 'INSPECTION_PASSED' : milestone);
}

/** What is left of the window, from now on, stays between the shortest and the longest the rules allow. */
function setDeadline(
  reservation: LiveReservation,
  rules: Rules,
  from: number,
  deadlineMs: number,
  now: number,
): Transition {
  const earliest = deadlineOf(rules, now, rules.minHoldWindowMs);
  const latest = deadlineOf(rules, now, rules.maxHoldWindowMs);
  const expireAt = Math.min(latest, Math.max(earliest, deadlineOf(rules, from, deadlineMs)));
  if (expireAt === reservation.expireAt) return UNCHANGED;
  return changed(expireAt > reservation.expireAt ? 'extended' : 'changed', { ...reservation, expireAt });
}
