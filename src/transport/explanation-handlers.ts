import { explainCures, type ToldChange } from '../domain/cure-explanation.ts';
import { explain, explainNoStock } from '../domain/explanation.ts';
import { BrokenInvariant } from '../domain/refusal.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { Rules } from '../domain/rules.ts';
import { ReservationService } from '../gen/earmark/v1/reservation_service_pb.ts';
import type { DecisionReader } from '../ports/decision-reader.ts';
import type { Refusals, RefusedReserve, RefusedWithRequest } from '../ports/refusals.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { WaitlistPlace, WaitlistReader } from '../ports/waitlist-reader.ts';
import type { ReservationReader } from '../ports.ts';
import { toReservation, toTarget } from './reservation-mapping.ts';
import { toWireRefusal, unknownReservation } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toTimestamp } from './wire-time.ts';

interface Deps {
  readonly reservations: ReservationReader;
  readonly decisions: DecisionReader;
  readonly refusals: Refusals;
  readonly rules: Pick<RulesReader, 'version'>;
  readonly waitlist: Pick<WaitlistReader, 'placesOf'>;
}

/** ExplainReservation: of a reservation, of what was refused to its exchange, or of both; and where it waits. */
export function explanationHandlers(deps: Deps): Rpc[] {
  return [
    unary(ReservationService.method.explainReservation, async ({ target }) => {
      const wanted = toTarget(target);
      const reservation = await deps.reservations.find(wanted);
      const exchangeId = wanted.by === 'exchange' ? wanted.id : (reservation?.exchangeId ?? '');
      const refusals = exchangeId === '' ? [] : await deps.refusals.ofExchange(exchangeId);
      if (reservation === null && refusals.length === 0) throw refusedCall(unknownReservation(wanted.by, wanted.id));
      const places = reservation?.state === 'WAITLISTED' ? await deps.waitlist.placesOf(reservation.reservationId) : [];
      const changes = reservation === null ? [] : await deps.decisions.ofReservation(reservation.reservationId);
      const [decision] = changes;
      return {
        ...(reservation === null ? {} : { reservation: toReservation(reservation) }),
        refusals: refusals.map(toRefusal),
        ruleVersion: BigInt(decision?.after.ruleVersion ?? reservation?.ruleVersion ?? refusals[0]?.ruleVersion ?? 0),
        waitlistPlaces: places.map(toPlace),
        steps: (await stepsOf(deps, changes, reservation === null ? refusals : [])).map(toStep),
      };
    }),
  ];
}

/** Of the decision that made a reservation and of its shortages, else of the last decision that found too little. */
async function stepsOf(deps: Deps, changes: readonly ToldChange[], refusals: readonly RefusedWithRequest[]) {
  const [made] = changes;
  if (made !== undefined) {
    const decided = explain(made.after, made.seen, await rulesOf(deps, made.after), made.asked);
    return [...decided, ...explainCures(changes)];
  }
  const found = refusals.find(({ reason, asked }) => reason === 'NO_STOCK' && asked !== null);
  if (found?.asked == null) return [];
  return explainNoStock({ ...found.asked, refusal: found }, await rulesOf(deps, found));
}

/** The version a reservation keeps for life; versions are never taken away. */
async function rulesOf({ rules }: Deps, { ruleVersion }: Pick<Reservation, 'ruleVersion'>): Promise<Rules> {
  const found = await rules.version(BigInt(ruleVersion));
  if (found === null) throw new BrokenInvariant(`rule version ${ruleVersion} is missing`);
  return found;
}

/** With the rules it was decided by, when it was the last time, and how often. */
function toRefusal({ reason, message, metadata, ruleVersion, refusedAt, times }: RefusedReserve) {
  const more = {
    rule_version: String(ruleVersion),
    refuse_time: new Date(refusedAt).toISOString(),
    times: String(times),
  };
  return toWireRefusal({ reason, message, metadata: { ...metadata, ...more } });
}

function toPlace({ lineNumber, sku, units, since, linesAhead, unitsAhead }: WaitlistPlace) {
  return { lineNumber, sku, quantity: units, sinceTime: toTimestamp(since), linesAhead, unitsAhead };
}

function toStep({ version, ...step }: ReturnType<typeof explain>[number]) {
  return { ...step, version: BigInt(version) };
}
