import type { Milestone } from '../../../src/domain/milestone-rules.ts';
import type { MilestoneCommand } from '../commands.ts';
import { canonOfModel } from './canon.ts';
import { closeIfDone, consume, resolve, wholeOf } from './resolve.ts';
import {
  findTarget,
  giveBack,
  isLive,
  latestOf,
  type Model,
  type ModelOutcome,
  type ModelReservation,
  tell,
} from './state.ts';

/** What ends an exchange by the first rules. */
const ENDS: readonly Milestone[] = ['COMPLETED', 'CANCELLED', 'CONVERTED_TO_REFUND'];

export function isReported(model: Model, exchangeId: string, milestone: Milestone | null): boolean {
  return milestone !== null && (model.reported.get(exchangeId) ?? []).includes(milestone);
}

/** The first report of a milestone ends what it ends, and asks for the pick that awaits it. */
export function applyMilestone(model: Model, { target, milestone }: MilestoneCommand): ModelOutcome {
  const found = findTarget(model, target);
  if (found === undefined) return withoutReservation(model, target.by, target.exchangeId, milestone);
  const latest = latestOf(model, found.exchangeId) ?? found;
  const isFirst = !found.reached.includes(milestone);
  const isEnded = isFirst && isLive(found) && ENDS.includes(milestone);
  const refused = isEnded ? end(model, found, milestone) : null;
  if (refused !== null) return { refused };
  const isAsked = isLive(latest) && latest.pickAwaits === milestone;
  if (isAsked) {
    latest.pickAwaits = null;
    latest.version += 1;
  }
  found.reached.push(milestone);
  report(model, found.exchangeId, milestone);
  if (found === latest && ENDS.includes(milestone)) model.closed.push(found.exchangeId);
  return { reservation: canonOfModel(found), applied: isEnded || isAsked, replayed: false };
}

/** A milestone that ends the exchange closes it; another is refused, though it happened. */
function withoutReservation(model: Model, by: string, exchangeId: string, milestone: Milestone): ModelOutcome {
  if (by !== 'exchange') return { refused: 'UNKNOWN_RESERVATION' };
  report(model, exchangeId, milestone);
  if (!ENDS.includes(milestone)) return { refused: 'UNKNOWN_RESERVATION' };
  const applied = !model.closed.includes(exchangeId);
  model.closed.push(exchangeId);
  return { reservation: null, applied, replayed: false };
}

function report(model: Model, exchangeId: string, milestone: Milestone): void {
  model.reported.set(exchangeId, [...(model.reported.get(exchangeId) ?? []), milestone]);
}

function end(model: Model, found: ModelReservation, milestone: Milestone): string | null {
  if (milestone === 'COMPLETED') {
    const refused = consume(model, found, wholeOf(found), null, model.now);
    if (refused === null) closeIfDone(model, found, true);
    return refused;
  }
  tell(found, 'RELEASED');
  giveBack(found);
  resolve(model, found, 'RELEASED', milestone === 'CANCELLED' ? 'CANCELLED' : 'REFUNDED');
  return null;
}
