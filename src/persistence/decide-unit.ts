import { CLOCK_CALLER } from '../domain/caller.ts';
import { MissingRows } from '../domain/missing-rows.ts';
import { promoteWaiting, WAITLIST_CALLER } from '../domain/promotion.ts';
import { refuse } from '../domain/refusal.ts';
import { isDue } from '../domain/reservation.ts';
import { poolKey } from '../domain/stock-level.ts';
import type { Cause, WorkingSet } from '../domain/working-set.ts';
import type { Answer, Command, Outcome } from '../ports.ts';
import { claimKey } from './locks.ts';

/** A request id that was claimed before: what it was for and what it was answered. */
export interface KnownClaim {
  readonly contentHash: Uint8Array;
  readonly answer: Answer;
  /** The reservation it made, where it was a Reserve. */
  readonly reservationId: string | null;
}

export interface DecidedUnit {
  readonly outcomes: ReadonlyMap<Command, Outcome>;
  /** Commands that need more rows, to be tried again with them. */
  readonly deferred: readonly Command[];
  readonly missing: {
    readonly reservationIds: readonly string[];
    readonly skus: readonly string[];
    readonly customers: boolean;
  };
}

/** The reason that stands on the events of reservations whose units are missing, or are there again. */
const SHORTAGE = 'shortage';

const EXPIRY: Cause = { caller: CLOCK_CALLER, reason: 'deadline', traceId: '', traceparent: '' };
const PROMOTION: Cause = { caller: WAITLIST_CALLER, reason: 'stock came free', traceId: '', traceparent: '' };

/**
 * Decides the commands in arrival order, each against what the earlier ones left. A refused command leaves no trace;
 * one that needs rows outside the set is put back without disturbing its neighbours.
 */
export function decideUnit(
  commands: readonly Command[],
  work: WorkingSet,
  known: ReadonlyMap<string, KnownClaim>,
): DecidedUnit {
  const outcomes = new Map<Command, Outcome>();
  const deferred: Command[] = [];
  const reservationIds: string[] = [];
  const skus: string[] = [];
  let customers = false;
  const answered = new Map<string, KnownClaim>(known);
  const waiting = new Set<string>();
  work.expireDue(EXPIRY);
  work.shortages.settle(work, { ...EXPIRY, reason: SHORTAGE });
  promoteWaiting(work, PROMOTION);
  for (const command of commands) {
    const key = claimKey(command);
    const earlier = key === '' ? undefined : answered.get(key);
    if (earlier !== undefined) {
      outcomes.set(command, replay(command, earlier));
      continue;
    }
    if (waiting.has(key)) {
      deferred.push(command);
      continue;
    }
    const transitionsBefore = work.transitions.length;
    try {
      const decision = command.decide(work);
      if ('refusal' in decision) {
        outcomes.set(command, { ok: false, ...decision });
        continue;
      }
      // What a pick kept past its deadline is free for the next command the moment the pick is given up.
      const ended = work.transitions.slice(transitionsBefore).some(({ next }) => isDue(next, work.now));
      if (ended) work.expireDue(EXPIRY);
      // Who holds gets back what was missing before anybody who waits is served.
      const isSettled = work.shortages.settle(work, shortageCause(command));
      const settled = isSettled ? asSettled(decision.answer, work) : decision.answer;
      const isPromoted = promoteWaiting(work, PROMOTION);
      const answer = isSettled || isPromoted ? withPresentLevels(settled, work) : settled;
      outcomes.set(command, { ok: true, answer, replayed: false });
      if (command.claim !== null) {
        answered.set(key, { contentHash: command.claim.contentHash, answer, reservationId: null });
      }
    } catch (error) {
      if (!(error instanceof MissingRows)) throw error;
      reservationIds.push(...error.reservationIds);
      skus.push(...error.skus);
      customers ||= error.customers;
      deferred.push(command);
      if (key !== '') waiting.add(key);
    }
  }
  return { outcomes, deferred, missing: { reservationIds, skus, customers } };
}

/** What came in may be promised to others by the time it is told of: of one version there is one number. */
function withPresentLevels(answer: Answer, work: WorkingSet): Answer {
  if (answer.kind !== 'stock') return answer;
  const present = new Map(work.changedPools().map(({ after }) => [poolKey(after.sku, after.warehouse), after]));
  return { ...answer, levels: answer.levels.map((level) => present.get(poolKey(level.sku, level.warehouse)) ?? level) };
}

/** Who caused that units are missing or there again. */
function shortageCause({ caller, trace }: Command): Cause {
  return { caller, reason: SHORTAGE, traceId: trace?.traceId ?? '', traceparent: '' };
}

/** A reservation that was settled after it was answered with is answered with as it then is. */
function asSettled(answer: Answer, work: WorkingSet): Answer {
  if ((answer.kind !== 'reservation' && answer.kind !== 'milestone') || answer.reservation === null) return answer;
  const { reservationId, version } = answer.reservation;
  const settled = work.find({ by: 'reservation', id: reservationId });
  return settled === null || settled.version <= version ? answer : { ...answer, reservation: settled };
}

/** The answer as first given, or a refusal where the same id came with another request. */
function replay(command: Command, earlier: KnownClaim): Outcome {
  const same = Buffer.from(earlier.contentHash).equals(Buffer.from(command.claim?.contentHash ?? []));
  if (!same) {
    const metadata = { request_id: command.claim?.requestId ?? '' };
    return { ok: false, refusal: refuse('REQUEST_ID_REUSED', 'the request id was used for another request', metadata) };
  }
  const mine = earlier.reservationId !== null && earlier.reservationId === command.claim?.newReservationId;
  return { ok: true, answer: earlier.answer, replayed: !mine };
}
