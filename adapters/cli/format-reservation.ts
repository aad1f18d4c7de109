import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  Milestone,
  MilestoneSchema,
  ReleaseReasonSchema,
  type Reservation,
  type ReservationLine,
  ReservationState,
  ReservationStateSchema,
} from '../../src/gen/earmark/v1/reservation_pb.ts';
import type { WaitlistPlace } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { shortName } from './short-enum.ts';
import { formatTable, printable } from './table.ts';

const FINAL_STATES: readonly ReservationState[] = [
  ReservationState.FULFILLED,
  ReservationState.RELEASED,
  ReservationState.EXPIRED,
];

export function isFinal(reservation: Reservation): boolean {
  return FINAL_STATES.includes(reservation.state);
}

/** An instant as `2026-12-07 13:45:02 UTC`; a dash where there is none. */
export function formatInstant(instant: Timestamp | undefined): string {
  if (instant === undefined) return '-';
  return `${new Date(timestampMs(instant)).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The state in its short form with what belongs to it: `RELEASED (CANCELLED)`. */
export function formatState(reservation: Reservation): string {
  const state = shortName(ReservationStateSchema, reservation.state);
  if (reservation.state !== ReservationState.RELEASED) return state;
  return `${state} (${shortName(ReleaseReasonSchema, reservation.releaseReason)})`;
}

/** One reservation on several lines, each line with its place in the queue where it is given. */
export function formatReservation(reservation: Reservation, places: readonly WaitlistPlace[] = []): string {
  const facts: [string, string][] = [
    ['state', formatState(reservation)],
    ['exchange', reservation.exchangeId],
    ['return case', reservation.returnCaseId],
    ['order', reservation.orderId],
    ['reserved at', formatInstant(reservation.createTime)],
    isFinal(reservation)
      ? ['resolved at', formatInstant(reservation.resolveTime)]
      : [
          reservation.state === ReservationState.WAITLISTED ? 'waits until' : 'held until',
          formatInstant(reservation.expireTime),
        ],
    ['pick', isFinal(reservation) ? '' : formatAwaited(reservation)],
    ['trace', reservation.traceId],
    ['id', reservation.reservationId],
  ];
  const lines = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `  ${name.padEnd(12)}${printable(value)}`);
  const items = reservation.lines.map((line) =>
    formatLine(
      line,
      places.find((place) => place.lineNumber === line.lineNumber),
    ),
  );
  return [reservation.trackingId, ...lines, ...items].join('\n');
}

function formatAwaited({ pickAwaits }: Reservation): string {
  return pickAwaits === Milestone.UNSPECIFIED ? '' : `awaits ${shortName(MilestoneSchema, pickAwaits)}`;
}

/** Many reservations, one row each. */
export function formatReservations(reservations: readonly Reservation[]): string {
  const titles = ['TRACKING ID', 'STATE', 'EXCHANGE', 'ITEMS', 'HELD UNTIL'];
  return formatTable(
    titles.map((title) => ({ title, align: 'left' as const })),
    reservations.map((reservation) => [
      reservation.trackingId,
      formatState(reservation),
      reservation.exchangeId,
      reservation.lines.map((line) => `${line.quantity} × ${line.sku}`).join(', '),
      isFinal(reservation) ? '-' : formatInstant(reservation.expireTime),
    ]),
  );
}

function formatLine(line: ReservationLine, place: WaitlistPlace | undefined): string {
  const counts: [string, number][] = [
    ['held', line.reservedQuantity],
    ['waiting', line.waitlistedQuantity],
    ['picked', line.pickedQuantity],
    ['shipped', line.fulfilledQuantity],
    ['short', line.shortQuantity],
  ];
  const told = counts.filter(([, units]) => units > 0).map(([name, units]) => `${units} ${name}`);
  const places = line.allocations.map(({ warehouse, quantity, unitIds }) => {
    const units = unitIds.length === 0 ? '' : ` (${unitIds.join(' ')})`;
    return `${quantity} in ${warehouse}${units}`;
  });
  const substitute = line.substitutedForSku === '' ? '' : ` for ${line.substitutedForSku}`;
  const queue = place === undefined ? [] : [`number ${place.linesAhead + 1} in line`];
  const details = [...told, ...queue, ...places].join(', ');
  const text = `${line.quantity} × ${line.sku}${substitute}${details === '' ? '' : ` · ${details}`}`;
  return `  ${`line ${line.lineNumber}`.padEnd(12)}${printable(text)}`;
}
