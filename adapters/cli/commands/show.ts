import type { Command } from 'commander';
import { type Reservation, ReservationState } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import {
  GetReservationResponseSchema,
  type WaitlistPlace,
} from '../../../src/gen/earmark/v1/reservation_service_pb.ts';
import { parseTarget } from '../arguments.ts';
import { formatReservation } from '../format-reservation.ts';
import { answer, type OpenSession, type Session } from '../session.ts';

export function addShowCommand(program: Command, open: OpenSession): void {
  program
    .command('show')
    .description('show one reservation')
    .argument('[id]', 'tracking id or reservation id')
    .option('--exchange <id>', 'the exchange, instead of an id: its live reservation, else the latest')
    .action(async (id: string | undefined, options: { readonly exchange?: string }) => {
      const session = open();
      const response = await session.reservations.getReservation({ target: parseTarget(id, options.exchange) });
      const places = session.isJson ? [] : await placesOf(session, response.reservation);
      await answer(session, GetReservationResponseSchema, response, () =>
        response.reservation === undefined ? 'none' : formatReservation(response.reservation, places),
      );
    });
}

/** Where what waits stands in the queue. */
async function placesOf(session: Session, reservation: Reservation | undefined): Promise<readonly WaitlistPlace[]> {
  if (reservation?.state !== ReservationState.WAITLISTED) return [];
  const target = { case: 'reservationId', value: reservation.reservationId } as const;
  return (await session.reservations.explainReservation({ target })).waitlistPlaces;
}
