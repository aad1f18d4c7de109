import type { Command } from 'commander';
import {
  ReservationSchema,
  type ReservationState,
  ReservationStateSchema,
} from '../../../src/gen/earmark/v1/reservation_pb.ts';
import { parseWhole } from '../arguments.ts';
import { formatReservations } from '../format-reservation.ts';
import { answer, type OpenSession } from '../session.ts';
import { parseEnum, shortNames } from '../short-enum.ts';

interface ListOptions {
  readonly state: readonly ReservationState[];
  readonly sku: string;
  readonly warehouse: string;
  readonly case: string;
  readonly exchange: string;
  readonly order: string;
  readonly short?: boolean;
  readonly limit: number;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000_000;

/** What one page holds at most, as the contract has it. */
const PAGE_SIZE_MAX = 500;

export function addListCommand(program: Command, open: OpenSession): void {
  program
    .command('list')
    .description('list reservations, newest first')
    .option('--state <states>', `one or more of ${shortNames(ReservationStateSchema).join(',')}`, parseStates, [])
    .option('--sku <sku>', 'with a line of this SKU', '')
    .option('--warehouse <code>', 'with units held in this warehouse', '')
    .option('--case <id>', 'of this return case', '')
    .option('--exchange <id>', 'of this exchange', '')
    .option('--order <id>', 'of this order', '')
    .option('--short', 'only those that lack promised units')
    .option('--limit <number>', 'how many at most', (text) => parseWhole(text, 1, LIMIT_MAX), LIMIT_DEFAULT)
    .action((options: ListOptions) => list(open, options));
}

async function list(open: OpenSession, options: ListOptions): Promise<void> {
  const session = open();
  const filter = {
    states: [...options.state],
    sku: options.sku,
    warehouse: options.warehouse,
    returnCaseId: options.case,
    exchangeId: options.exchange,
    orderId: options.order,
    onlyShort: options.short === true,
  };
  let left = options.limit;
  let pageToken = '';
  do {
    const pageSize = Math.min(left, PAGE_SIZE_MAX);
    const page = await session.reservations.listReservations({ ...filter, pageSize, pageToken });
    const isFirst = left === options.limit;
    if (session.isJson) for (const each of page.reservations) await answer(session, ReservationSchema, each, () => '');
    else if (page.reservations.length > 0) await session.terminal.write(`${formatReservations(page.reservations)}\n`);
    else if (isFirst) session.terminal.writeError('There is no such reservation.\n');
    left -= page.reservations.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && left > 0 && !session.interruption.signal.aborted);
  if (pageToken !== '' && !session.isJson) {
    session.terminal.writeError(`There are more; --limit shows more than ${options.limit}.\n`);
  }
}

/** States separated by commas, each once. */
export function parseStates(text: string, before: readonly ReservationState[]): ReservationState[] {
  return [...new Set([...before, ...text.split(',').map((name) => parseEnum(ReservationStateSchema, name))])];
}
