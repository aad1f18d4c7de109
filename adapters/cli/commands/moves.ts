import type { Command } from 'commander';
import { SwapResponseSchema, TransferResponseSchema } from '../../../src/gen/earmark/v1/reservation_service_pb.ts';
import { parseLine, parseWhole, type WantedLine } from '../arguments.ts';
import { UsageError } from '../failures.ts';
import { answer, type OpenSession } from '../session.ts';
import { type ShortfallOptions, shortfallPolicyOf } from '../shortfall.ts';
import {
  type ChangeOptions,
  changeCommand,
  collectQuantities,
  keyOf,
  type LineQuantity,
  tellChange,
} from './change.ts';

/** Units bought on one order line at most, as the contract has it. */
const PURCHASED_MAX = 1_000_000;

interface SwapOptions extends ChangeOptions, ShortfallOptions {
  readonly line: readonly WantedLine[];
  readonly orderLine: string;
  readonly purchased?: number;
  readonly warehouse: string;
  readonly acceptSubstitutes?: boolean;
  readonly etag: string;
}

interface TransferOptions extends ChangeOptions {
  readonly to?: string;
  readonly line: readonly LineQuantity[];
  readonly etag: string;
}

/** swap and transfer: other lines, or another warehouse, for what is held. */
export function addMoveCommands(program: Command, open: OpenSession): void {
  addSwap(program, open);
  addTransfer(program, open);
}

function addSwap(program: Command, open: OpenSession): void {
  changeCommand(program, 'swap', 'hold other items instead: nothing is given back unless they are held')
    .option('--line <line>', 'SKU or SKU:QUANTITY to hold from now on; may be repeated', collectWanted, [])
    .option('--order-line <id>', 'the line of the order that is exchanged, for all lines', '')
    .option('--purchased <units>', 'units bought on that line', (text) => parseWhole(text, 1, PURCHASED_MAX))
    .option('--warehouse <code>', 'only this warehouse', '')
    .option('--partial', 'hold what there is instead of refusing')
    .option('--waitlist', 'hold what there is and wait for the rest')
    .option('--accept-substitutes', 'hold an equivalent item where there is not enough')
    .option('--etag <etag>', 'change nothing if the reservation is another by now', '')
    .action(async (id: string | undefined, options: SwapOptions) => {
      if (options.line.length === 0)
        throw new UsageError('say what to hold instead: --line SKU or --line SKU:QUANTITY');
      const session = open();
      const { warehouse, orderLine, purchased = 0, etag } = options;
      const response = await session.reservations.swap({
        ...keyOf(session, id, options),
        lines: options.line.map((line) => ({
          ...line,
          warehouse,
          orderLineId: orderLine,
          purchasedQuantity: purchased,
        })),
        shortfallPolicy: shortfallPolicyOf(options),
        acceptSubstitutes: options.acceptSubstitutes === true,
        etag,
      });
      await answer(session, SwapResponseSchema, response, () => tellChange(response));
    });
}

function addTransfer(program: Command, open: OpenSession): void {
  changeCommand(program, 'transfer', 'hold the units in another warehouse: all that is asked, or nothing')
    .option('--to <code>', 'the warehouse that is to hold them')
    .option('--line <line:quantity>', 'only this much of a line; may be repeated', collectQuantities, [])
    .option('--etag <etag>', 'change nothing if the reservation is another by now', '')
    .action(async (id: string | undefined, options: TransferOptions) => {
      const { to: toWarehouse, etag } = options;
      if (toWarehouse === undefined) throw new UsageError('say where: --to WAREHOUSE');
      const session = open();
      const lines = [...options.line];
      const response = await session.reservations.transfer({
        ...keyOf(session, id, options),
        toWarehouse,
        lines,
        etag,
      });
      await answer(session, TransferResponseSchema, response, () => tellChange(response));
    });
}

function collectWanted(text: string, before: readonly WantedLine[]): WantedLine[] {
  return [...before, parseLine(text)];
}
