import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import {
  GetKpisResponseSchema,
  type KpiGrouping,
  KpiGroupingSchema,
  type KpiSelection,
  KpiSelectionSchema,
} from '../../../src/gen/earmark/v1/kpi_service_pb.ts';
import { parseInstant, parseWhole } from '../arguments.ts';
import { formatKpiReservations, formatKpis } from '../format-kpis.ts';
import { answer, LONG_CALL_TIMEOUT_MS, type OpenSession } from '../session.ts';
import { parseEnum, shortNames } from '../short-enum.ts';

interface KpisOptions {
  readonly since?: Timestamp;
  readonly until?: Timestamp;
  readonly warehouse: string;
  readonly channel: string;
  readonly sku: string;
  readonly by?: KpiGrouping;
  readonly list?: KpiSelection;
  readonly limit: number;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000_000;

/** What one page holds at most, as the contract has it. */
const PAGE_SIZE_MAX = 500;

export function addKpisCommand(program: Command, open: OpenSession): void {
  program
    .command('kpis')
    .description('figures over the reservations resolved in a period')
    .option('--since <instant>', 'resolved at or after this instant; else as early as may be', parseInstant)
    .option('--until <instant>', 'resolved before this instant; else until now', parseInstant)
    .option('--warehouse <code>', 'only with units held in this warehouse', '')
    .option('--channel <channel>', 'only of this channel', '')
    .option('--sku <sku>', 'only with a line of this SKU', '')
    .option('--by <key>', `broken down by one of ${shortNames(KpiGroupingSchema).join(', ')}`, (text) =>
      parseEnum(KpiGroupingSchema, text),
    )
    .option('--list <which>', `also list reservations: ${shortNames(KpiSelectionSchema).join(', ')}`, (text) =>
      parseEnum(KpiSelectionSchema, text),
    )
    .option('--limit <number>', 'how many to list at most', (text) => parseWhole(text, 1, LIMIT_MAX), LIMIT_DEFAULT)
    .action((options: KpisOptions) => showKpis(open, options));
}

async function showKpis(open: OpenSession, options: KpisOptions): Promise<void> {
  const session = open();
  const { since, until, by, list, warehouse, channel, sku } = options;
  const request = {
    ...(since === undefined ? {} : { startTime: since }),
    ...(until === undefined ? {} : { endTime: until }),
    ...(by === undefined ? {} : { groupBy: by }),
    ...(list === undefined ? {} : { list }),
    warehouse,
    channel,
    sku,
  };
  let left = options.limit;
  let pageToken = '';
  do {
    const pageSize = Math.min(left, PAGE_SIZE_MAX);
    const response = await session.kpis.getKpis(
      { ...request, pageSize, pageToken },
      { timeoutMs: LONG_CALL_TIMEOUT_MS },
    );
    const isFirst = pageToken === '';
    const listed = formatKpiReservations(response.reservations, isFirst && list !== undefined);
    await answer(session, GetKpisResponseSchema, response, () =>
      [isFirst ? formatKpis(response) : '', listed].filter((text) => text !== '').join('\n\n'),
    );
    left -= response.reservations.length;
    pageToken = response.nextPageToken;
  } while (pageToken !== '' && left > 0 && !session.interruption.signal.aborted);
  if (pageToken !== '' && !session.isJson) {
    session.terminal.writeError(`There are more; --limit shows more than ${options.limit}.\n`);
  }
}
