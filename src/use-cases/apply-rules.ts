import { applyRules as decideByRules } from '../domain/apply-rules.ts';
import type { PastCase } from '../domain/past-case.ts';
import { awaitedNow } from '../domain/pick-awaits.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { LiveState, Reservation, ReservationState } from '../domain/reservation.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { PastCases } from '../ports/past-cases.ts';
import {
  type Command,
  type Decision,
  type LeftReservation,
  NO_NEEDS,
  type Outcome,
  type ReservationFilter,
  type ReservationReader,
  type UnitOfWork,
} from '../ports.ts';
import { type Call, causeOf, claimOf, type RequestKey, submitOne } from './call.ts';

/** Reservations one call looks at: they are changed in one commit. */
export const APPLY_MAX = 500;

const LIVE_STATES: readonly LiveState[] = ['WAITLISTED', 'RESERVED', 'PREPARING', 'READY'];

export interface ApplyRulesInput extends RequestKey {
  /** Empty names none, and leaves the choice to the filters. */
  readonly reservationIds: readonly string[];
  readonly states: readonly ReservationState[];
  readonly sku: string;
  readonly warehouse: string;
  /** Milliseconds since the Unix epoch, or null. */
  readonly createdBefore: number | null;
  readonly reason: string;
  /** At most this many, 1 to 500; 0 means 500. */
  readonly size: number;
  /** Where to go on; empty begins anew. */
  readonly token: string;
}

export interface ApplyDeps {
  readonly unitOfWork: UnitOfWork;
  readonly reservations: ReservationReader;
  readonly cases: PastCases;
}

/** What was chosen before anything was locked. */
interface Choice {
  readonly ids: readonly string[];
  readonly cases: ReadonlyMap<string, PastCase>;
  readonly remaining: number;
  readonly nextToken: string;
}

/**
 * Decides chosen reservations anew by the rules in force, in one commit. What it leaves as it is, it tells.
 * @throws InvalidPageToken
 */
export async function applyRules(deps: ApplyDeps, input: ApplyRulesInput, call: Call): Promise<Outcome> {
  const choice = await choose(deps, input);
  if ('reason' in choice) return { ok: false, refusal: choice };
  const command: Command = {
    name: 'apply-rules',
    caller: call.caller,
    claim: claimOf('ApplyRules', input),
    needs: {
      ...NO_NEEDS,
      targets: choice.ids.map((id) => ({ by: 'reservation' as const, id })),
      ownRules: true,
      reachedMilestones: true,
    },
    lineCount: Math.max(1, choice.ids.length),
    trace: call.trace,
    decide: (work) => decideAll(work, choice, input, call),
  };
  return await submitOne(deps.unitOfWork, command, call);
}

/** What is named is looked at whatever its state, so that nobody waits in vain for what is resolved. */
async function choose({ reservations, cases }: ApplyDeps, input: ApplyRulesInput): Promise<Choice | Refusal> {
  const { reservationIds, states, sku, warehouse, createdBefore } = input;
  const anyCase = { returnCaseId: '', exchangeId: '', orderId: '', customerRef: '' };
  const any = { ...anyCase, unitId: '', expiresBefore: null, onlyShort: false };
  const isNamed = reservationIds.length > 0;
  const live = states.length === 0 ? LIVE_STATES : LIVE_STATES.filter((state) => states.includes(state));
  const filter: ReservationFilter = {
    ...any,
    ...(isNamed ? { reservationIds } : {}),
    states: isNamed ? states : live,
    sku,
    warehouse,
    createdBefore,
  };
  if (isNamed) {
    const known = new Set(await reservations.known(reservationIds));
    const unknown = reservationIds.find((id) => !known.has(id));
    if (unknown !== undefined) {
      return refuse('UNKNOWN_RESERVATION', 'there is no such reservation', { reservation_id: unknown });
    }
  }
  // Only resolved states were asked for, which nothing can be applied to.
  if (!isNamed && live.length === 0) return { ids: [], cases: new Map(), remaining: 0, nextToken: '' };
  const page = await reservations.list(filter, { size: input.size || APPLY_MAX, token: input.token });
  const ids = page.rows.map((row) => row.reservationId);
  const past = await cases.ofReservations(ids, false);
  return {
    ids,
    cases: new Map(past.map((one) => [one.trackingId, one])),
    remaining: page.nextPageToken === '' ? 0 : await reservations.countFrom(filter, page.nextPageToken),
    nextToken: page.nextPageToken,
  };
}

function decideAll(work: WorkingSet, choice: Choice, { reason }: ApplyRulesInput, call: Call): Decision {
  const changed: Reservation[] = [];
  const left: LeftReservation[] = [];
  const { inForce } = work.ruleBook;
  for (const id of choice.ids) {
    const found = work.find({ by: 'reservation', id });
    if (found === null) continue;
    const known = {
      past: choice.cases.get(found.trackingId) ?? null,
      own: work.ruleBook.of(found),
      reached: work.milestones.reachedBy(id),
      awaited: awaitedNow(work, found.exchangeId),
    };
    const decided = decideByRules(found, inForce, known, work.now);
    if ('left' in decided) {
      left.push({ trackingId: found.trackingId, exchangeId: found.exchangeId, ...decided });
    } else if (decided.outcome === 'changed') {
      const { kind, next, pools } = decided;
      work.record({ kind, previous: found, next, cause: causeOf(call, reason) }, pools);
      changed.push(next);
    }
  }
  const { remaining, nextToken, ids } = choice;
  const ruleVersion = inForce.rules.version;
  return { answer: { kind: 'rules-applied', checked: ids.length, ruleVersion, changed, left, remaining, nextToken } };
}
