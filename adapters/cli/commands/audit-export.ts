import { toJson } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { type AuditEvent, AuditEventSchema } from '../../../src/gen/earmark/v1/audit_service_pb.ts';
import { parseInstant, parseTarget } from '../arguments.ts';
import { UsageError } from '../failures.ts';
import { escapeFormula } from '../formula.ts';
import type { OpenSession, Session } from '../session.ts';

interface ExportOptions {
  readonly kind: readonly string[];
  readonly exchange: string;
  readonly case: string;
  readonly order: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly unit: string;
  readonly actor: string;
  readonly since?: Timestamp;
  readonly until?: Timestamp;
  readonly format: Format;
}

const FORMATS = ['ndjson', 'csv'] as const;

type Format = (typeof FORMATS)[number];

/** What one page holds at most, as the contract has it. */
const PAGE_SIZE = 500;

export function addAuditExport(audit: Command, open: OpenSession): void {
  audit
    .command('export')
    .description('print audit events with their canonical bytes and hashes, oldest first')
    .argument('[id]', 'only of this tracking id or reservation id')
    .option(
      '--kind <kind>',
      'only of this kind, for example reserved; repeatable',
      (kind, all: string[]) => [...all, kind],
      [],
    )
    .option('--exchange <id>', 'only of this exchange', '')
    .option('--case <id>', 'only of this return case', '')
    .option('--order <id>', 'only of this order', '')
    .option('--sku <sku>', 'only of reservations that hold or held this SKU', '')
    .option('--warehouse <code>', 'only of reservations that hold or held units in this warehouse', '')
    .option('--unit <id>', 'only of reservations that hold or held this serial unit', '')
    .option('--actor <name>', 'only by this principal, warehouse system or worker', '')
    .option('--since <instant>', 'committed at or after this instant', parseInstant)
    .option('--until <instant>', 'committed before this instant', parseInstant)
    .option('--format <format>', `one of ${FORMATS.join(', ')}`, parseFormat, 'ndjson')
    .action((id: string | undefined, options: ExportOptions) => exportEvents(open(), id, options));
}

function parseFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) throw new UsageError(`"${text}" is no format; write one of ${FORMATS.join(', ')}`);
  return format;
}

async function exportEvents(session: Session, id: string | undefined, options: ExportOptions): Promise<void> {
  const request = {
    ...(id === undefined ? {} : toFilter(id)),
    kinds: [...options.kind],
    exchangeId: options.exchange,
    returnCaseId: options.case,
    orderId: options.order,
    sku: options.sku,
    warehouse: options.warehouse,
    unitId: options.unit,
    actor: options.actor,
    ...(options.since === undefined ? {} : { startTime: options.since }),
    ...(options.until === undefined ? {} : { endTime: options.until }),
    pageSize: PAGE_SIZE,
  };
  if (options.format === 'csv') await session.terminal.write(stringify([COLUMNS]));
  let pageToken = '';
  do {
    const page = await session.audit.listEvents({ ...request, pageToken });
    const text = options.format === 'csv' ? toCsv(page.events) : page.events.map(toLine).join('');
    if (text !== '') await session.terminal.write(text);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && !session.interruption.signal.aborted);
}

function toFilter(id: string) {
  const target = parseTarget(id, undefined);
  return { [target.case]: target.value };
}

function toLine(event: AuditEvent): string {
  return `${JSON.stringify(toJson(AuditEventSchema, event))}\n`;
}

/** The fields of an event as its JSON names them; bytes are in base64. */
const COLUMNS = [
  'createTime',
  'eventId',
  'reservationId',
  'trackingId',
  'reservationVersion',
  'exchangeId',
  'kind',
  'actor',
  'actorType',
  'channel',
  'reason',
  'ruleVersion',
  'traceId',
  'beforeJson',
  'afterJson',
  'previousHash',
  'hash',
  'body',
] as const;

/** One line for each event, without a heading; no cell is run as a formula by a spreadsheet. */
export function toCsv(events: readonly AuditEvent[]): string {
  return stringify(
    events.map((event) => {
      const fields = toJson(AuditEventSchema, event) as Record<string, unknown>;
      return COLUMNS.map((column) => escapeFormula(String(fields[column] ?? '')));
    }),
  );
}
