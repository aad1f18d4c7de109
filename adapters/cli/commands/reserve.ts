import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import {
  type ReserveRequestSchema,
  type ReserveResponse,
  ReserveResponseSchema,
} from '../../../src/gen/earmark/v1/reserve_pb.ts';
import { parseAttribute, parseDuration, parseInstant, parseLine, parseWhole, type WantedLine } from '../arguments.ts';
import { UsageError } from '../failures.ts';
import { formatReservation } from '../format-reservation.ts';
import { answer, type OpenSession } from '../session.ts';
import { type ShortfallOptions, shortfallPolicyOf } from '../shortfall.ts';

interface ReserveOptions extends ShortfallOptions {
  readonly exchange?: string;
  readonly case?: string;
  readonly order?: string;
  readonly orderLine?: string;
  readonly purchased?: number;
  readonly customer?: string;
  readonly channel?: string;
  readonly reason?: string;
  readonly delivered?: NonNullable<ReturnType<typeof parseInstant>>;
  readonly warehouse?: string;
  readonly returned?: string;
  readonly want: Readonly<Record<string, string>>;
  readonly hold?: ReturnType<typeof parseDuration>;
  readonly acceptSubstitutes?: boolean;
  readonly replace?: boolean;
  readonly requestId?: string;
  readonly validateOnly?: boolean;
}

const PURCHASED_MAX = 1_000_000;

export function addReserveCommand(program: Command, open: OpenSession): void {
  program
    .command('reserve')
    .description('hold items for an exchange: all lines or none')
    .argument('[lines...]', 'SKU or SKU:QUANTITY, several where the exchange has several items')
    .option('--exchange <id>', 'the exchange; a random one when not given')
    .option('--case <id>', 'the return case')
    .option('--order <id>', 'the original order')
    .option('--order-line <id>', 'the line of the order that is exchanged, for all lines')
    .option('--purchased <units>', 'units bought on that line', (text) => parseWhole(text, 1, PURCHASED_MAX))
    .option('--customer <ref>', 'the customer as an opaque reference, never a name')
    .option('--channel <channel>', 'the channel that asks')
    .option('--reason <reason>', 'why the goods come back, for example SIZE')
    .option('--delivered <instant>', 'when the customer got the goods', parseInstant)
    .option('--warehouse <code>', 'only this warehouse')
    .option('--returned <sku>', 'the item that comes back; without lines it is exchanged for one of the same product')
    .option(
      '--want <name=value>',
      'what that one is like, such as size=43; repeatable, none: the same item',
      collect,
      {},
    )
    .option('--hold <time>', 'how long to hold: 14d, 12h, 30m or 3600s', parseDuration)
    .option('--partial', 'hold what there is instead of refusing')
    .option('--waitlist', 'hold what there is and wait for the rest')
    .option('--accept-substitutes', 'hold an equivalent item where there is not enough')
    .option('--replace', 'swap what the exchange holds already instead of refusing')
    .option('--request-id <id>', 'makes the call repeatable: the same id gets the same answer')
    .option('--validate-only', 'decide and answer, but hold nothing')
    .action(async (lines: string[], options: ReserveOptions) => {
      const session = open();
      const response = await session.reservations.reserve(toRequest(lines, options, session.newId));
      await answer(session, ReserveResponseSchema, response, () => tell(response, options));
    });
}

function toRequest(
  lines: readonly string[],
  options: ReserveOptions,
  newId: () => string,
): MessageInitShape<typeof ReserveRequestSchema> {
  const { warehouse = '', orderLine = '', purchased = 0 } = options;
  return {
    requestId: options.validateOnly === true ? '' : (options.requestId ?? newId()),
    exchangeId: options.exchange ?? `EX-${newId()}`,
    returnCaseId: options.case ?? '',
    orderId: options.order ?? '',
    customerRef: options.customer ?? '',
    channel: options.channel ?? '',
    lines: linesOf(lines, options).map((line) => ({
      ...line,
      warehouse,
      orderLineId: orderLine,
      purchasedQuantity: purchased,
      returnedSku: options.returned ?? '',
      wantedAttributes: options.want,
    })),
    facts: {
      reason: options.reason ?? '',
      ...(options.delivered === undefined ? {} : { deliveredTime: options.delivered }),
    },
    ...(options.hold === undefined ? {} : { holdWindow: options.hold }),
    shortfallPolicy: shortfallPolicyOf(options),
    acceptSubstitutes: options.acceptSubstitutes === true,
    replaceExisting: options.replace === true,
    validateOnly: options.validateOnly === true,
  };
}

/** @throws UsageError where neither a line nor what comes back is given */
function linesOf(lines: readonly string[], { returned }: ReserveOptions): WantedLine[] {
  if (lines.length > 0) return lines.map(parseLine);
  if (returned !== undefined) return [{ sku: '', quantity: 1 }];
  throw new UsageError('name what to hold: SKU or SKU:QUANTITY, or --returned SKU with --want NAME=VALUE');
}

function collect(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  return { ...before, ...parseAttribute(text) };
}

function tell({ reservation, replayed }: ReserveResponse, options: ReserveOptions): string {
  const details = reservation === undefined ? '' : formatReservation(reservation);
  if (options.validateOnly === true) return `This would be reserved; nothing is held.\n${details}`;
  const again = replayed ? 'This request was answered before; this is that answer.\n' : '';
  return `${again}${details}`;
}
