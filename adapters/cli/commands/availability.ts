import type { Command } from 'commander';
import { type Availability, AvailabilitySchema } from '../../../src/gen/earmark/v1/availability_pb.ts';
import { followStream } from '../follow-stream.ts';
import {
  AVAILABILITY_COLUMNS,
  AVAILABILITY_WIDTHS,
  availabilityRow,
  formatAvailability,
} from '../format-availability.ts';
import { answer, type OpenSession, type Session } from '../session.ts';
import { stockPages } from '../stock-pages.ts';
import { stopOnSignals } from '../stop-on-signals.ts';
import { formatRow } from '../table.ts';

interface AvailabilityOptions {
  readonly warehouse: readonly string[];
  readonly channel: string;
  readonly watch?: boolean;
}

export function addAvailabilityCommand(program: Command, open: OpenSession): void {
  program
    .command('availability')
    .description('show what is there: of some SKUs, or of all')
    .argument('[skus...]', 'the SKUs; none means all')
    .option('--warehouse <code>', 'only this warehouse; may be repeated', collect, [])
    .option('--channel <channel>', 'only the warehouses this channel sells from', '')
    .option('--watch', 'go on with every change')
    .action(async (skus: string[], options: AvailabilityOptions) => {
      const session = open();
      const warehouses = [...options.warehouse];
      if (options.watch === true) return watch(session, { skus, warehouses, channel: options.channel });
      if (skus.length === 0) return showAll(session, warehouses);
      const { channel } = options;
      const { availability } = await session.availability.getAvailability({ skus, warehouses, channel });
      await show(session, availability);
    });
}

async function showAll(session: Session, warehouses: string[]): Promise<void> {
  for await (const entries of stockPages(session, [], warehouses)) {
    await show(
      session,
      entries.flatMap(({ availability }) => (availability === undefined ? [] : [availability])),
    );
  }
}

async function show(session: Session, pools: readonly Availability[]): Promise<void> {
  if (session.isJson) for (const pool of pools) await answer(session, AvailabilitySchema, pool, () => '');
  else if (pools.length > 0) await session.terminal.write(`${formatAvailability(pools)}\n`);
  else session.terminal.writeError('There is no stock here yet; "earmark stock import" brings some.\n');
}

async function watch(
  session: Session,
  request: { readonly skus: string[]; readonly warehouses: string[]; readonly channel: string },
): Promise<void> {
  stopOnSignals(session.interruption);
  const toLine = (row: readonly string[]) => formatRow(AVAILABILITY_COLUMNS, AVAILABILITY_WIDTHS, row);
  if (!session.isJson) await session.terminal.write(`${toLine(AVAILABILITY_COLUMNS.map(({ title }) => title))}\n`);
  const messages = followStream(
    (resumeToken, signal) =>
      session.availability.streamAvailability({ ...request, resumeToken }, { signal, timeoutMs: 0 }),
    session.interruption.signal,
  );
  for await (const { event } of messages) {
    if (event.case !== 'update') continue;
    await answer(session, AvailabilitySchema, event.value, () => toLine(availabilityRow(event.value)));
  }
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
