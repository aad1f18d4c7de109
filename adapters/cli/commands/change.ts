import type { Command } from 'commander';
import type { Reservation } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { parseLineQuantity, parseTarget } from '../arguments.ts';
import { formatReservation } from '../format-reservation.ts';
import type { Session } from '../session.ts';

/** What every command takes that changes one reservation. */
export interface ChangeOptions {
  readonly exchange?: string;
  readonly requestId?: string;
}

export function changeCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('[id]', 'tracking id or reservation id')
    .option('--exchange <id>', 'the exchange, instead of an id')
    .option('--request-id <id>', 'makes the call repeatable: the same id gets the same answer');
}

export function keyOf(session: Session, id: string | undefined, options: ChangeOptions) {
  return { requestId: options.requestId ?? session.newId(), target: parseTarget(id, options.exchange) };
}

export type LineQuantity = ReturnType<typeof parseLineQuantity>;

export function collectQuantities(text: string, before: readonly LineQuantity[]): LineQuantity[] {
  return [...before, parseLineQuantity(text)];
}

export function tellChange({
  reservation,
  replayed,
}: {
  readonly reservation?: Reservation | undefined;
  readonly replayed: boolean;
}): string {
  const again = replayed ? 'This request was answered before; this is that answer.\n' : '';
  if (reservation === undefined) return `${again}This exchange never had a reservation; there was nothing to release.`;
  return `${again}${formatReservation(reservation)}`;
}
