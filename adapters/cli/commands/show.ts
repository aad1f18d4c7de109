import type { Command } from 'commander';
import { GetReservationResponseSchema } from '../../../src/gen/earmark/v1/reservation_service_pb.ts';
import { parseTarget } from '../arguments.ts';
import { formatReservation } from '../format-reservation.ts';
import { answer, type OpenSession } from '../session.ts';

export function addShowCommand(program: Command, open: OpenSession): void {
  program
    .command('show')
    .description('show one reservation')
    .argument('[id]', 'tracking id or reservation id')
    .option('--exchange <id>', 'the exchange, instead of an id: its live reservation, else the latest')
    .action(async (id: string | undefined, options: { readonly exchange?: string }) => {
      const session = open();
      const response = await session.reservations.getReservation({ target: parseTarget(id, options.exchange) });
      await answer(session, GetReservationResponseSchema, response, () =>
        response.reservation === undefined ? 'none' : formatReservation(response.reservation),
      );
    });
}
