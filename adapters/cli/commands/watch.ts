import type { Command } from 'commander';
import { type Reservation, ReservationSchema } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { parseTarget } from '../arguments.ts';
import { followStream } from '../follow-stream.ts';
import { formatInstant, formatState, isFinal } from '../format-reservation.ts';
import { answer, type OpenSession } from '../session.ts';
import { stopOnSignals } from '../stop-on-signals.ts';

export function addWatchCommand(program: Command, open: OpenSession): void {
  program
    .command('watch')
    .description('follow one reservation until it is resolved: one line per change')
    .argument('[id]', 'tracking id or reservation id')
    .option('--exchange <id>', 'the exchange, instead of an id')
    .action(async (id: string | undefined, options: { readonly exchange?: string }) => {
      const session = open();
      const target = parseTarget(id, options.exchange);
      stopOnSignals(session.interruption);
      const messages = followStream(
        (resumeToken, signal) =>
          session.reservations.watchReservation({ target, resumeToken }, { signal, timeoutMs: 0 }),
        session.interruption.signal,
      );
      for await (const { event } of messages) {
        if (event.case !== 'update') continue;
        const now = new Date(session.clock.now()).toISOString().slice(11, 19);
        await answer(session, ReservationSchema, event.value, () => `${now}  ${tell(event.value)}`);
        if (isFinal(event.value)) return;
      }
    });
}

function tell(reservation: Reservation): string {
  const held = reservation.lines.map((line) => `${line.reservedQuantity} of ${line.quantity} × ${line.sku}`);
  const until = isFinal(reservation) ? '' : ` until ${formatInstant(reservation.expireTime)}`;
  return `${reservation.trackingId}  ${formatState(reservation)}${until}  ${held.join(', ')}`;
}
