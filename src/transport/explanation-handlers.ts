import { explain } from '../domain/explanation.ts';
import { ReservationService } from '../gen/earmark/v1/reservation_service_pb.ts';
import type { DecisionReader } from '../ports/decision-reader.ts';
import type { Refusals, RefusedReserve } from '../ports/refusals.ts';
import type { ReservationReader } from '../ports.ts';
import { toReservation, toTarget } from './reservation-mapping.ts';
import { toWireRefusal, unknownReservation } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';

interface Deps {
  readonly reservations: ReservationReader;
  readonly decisions: DecisionReader;
  readonly refusals: Refusals;
}

/** ExplainReservation: of a reservation, of what was refused to its exchange, or of both. */
export function explanationHandlers(deps: Deps): Rpc[] {
  return [
    unary(ReservationService.method.explainReservation, async ({ target }) => {
      const wanted = toTarget(target);
      const reservation = await deps.reservations.find(wanted);
      const exchangeId = wanted.by === 'exchange' ? wanted.id : (reservation?.exchangeId ?? '');
      const refusals = exchangeId === '' ? [] : await deps.refusals.ofExchange(exchangeId);
      if (reservation === null && refusals.length === 0) throw refusedCall(unknownReservation(wanted.by, wanted.id));
      const decision = reservation === null ? null : await deps.decisions.ofReservation(reservation.reservationId);
      return {
        ...(reservation === null ? {} : { reservation: toReservation(reservation) }),
        refusals: refusals.map(toRefusal),
        ruleVersion: BigInt(decision?.made.ruleVersion ?? reservation?.ruleVersion ?? refusals[0]?.ruleVersion ?? 0),
        steps: decision === null ? [] : explain(decision.made, decision.seen).map(toStep),
      };
    }),
  ];
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

function toStep({ version, ...step }: ReturnType<typeof explain>[number]) {
  return { ...step, version: BigInt(version) };
}
