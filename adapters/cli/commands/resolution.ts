import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { type ReleaseReason, ReleaseReasonSchema } from '../../../src/gen/earmark/v1/reservation_pb.ts';
import {
  ExtendResponseSchema,
  FulfilResponseSchema,
  ReleaseResponseSchema,
} from '../../../src/gen/earmark/v1/reservation_service_pb.ts';
import { parseDurationMs, parseInstant, parseTarget } from '../arguments.ts';
import { CommandFailure, UsageError } from '../failures.ts';
import { answer, type OpenSession, type Session } from '../session.ts';
import { parseEnum, shortNames } from '../short-enum.ts';
import {
  type ChangeOptions,
  changeCommand,
  collectQuantities,
  keyOf,
  type LineQuantity,
  tellChange,
} from './change.ts';

interface ReleaseOptions extends ChangeOptions {
  readonly reason: ReleaseReason;
  readonly note: string;
}

interface FulfilOptions extends ChangeOptions {
  readonly line: readonly LineQuantity[];
  readonly close?: boolean;
}

interface ExtendOptions extends ChangeOptions {
  readonly until?: ReturnType<typeof parseInstant>;
  readonly by?: number;
}

/** release, fulfil and extend: what happens to a reservation once it is there. */
export function addResolutionCommands(program: Command, open: OpenSession): void {
  const toReason = (text: string) => parseEnum(ReleaseReasonSchema, text);
  changeCommand(program, 'release', 'give the units back')
    .option('--reason <reason>', `why: ${shortNames(ReleaseReasonSchema).join(', ')}`, toReason, toReason('MANUAL'))
    .option('--note <reference>', 'names a remark kept elsewhere, such as a ticket', '')
    .action(async (id: string | undefined, options: ReleaseOptions) => {
      const session = open();
      const { reason, note } = options;
      const response = await session.reservations.release({ ...keyOf(session, id, options), reason, note });
      await answer(session, ReleaseResponseSchema, response, () => tellChange(response));
    });
  changeCommand(program, 'fulfil', 'consume the units: they have left the warehouse')
    .option('--line <line:quantity>', 'only this much of a line; may be repeated', collectQuantities, [])
    .option('--close', 'give back what is not named, instead of keeping it held')
    .action(async (id: string | undefined, options: FulfilOptions) => {
      const session = open();
      const lines = [...options.line];
      const close = options.close === true;
      const response = await session.reservations.fulfil({ ...keyOf(session, id, options), lines, close });
      await answer(session, FulfilResponseSchema, response, () => tellChange(response));
    });
  changeCommand(program, 'extend', 'hold longer')
    .option('--until <instant>', 'the new deadline: 2026-12-31 or 2026-12-31T18:00:00Z', parseInstant)
    .option('--by <time>', 'this much longer than now agreed: 7d, 12h, 30m or 3600s', parseDurationMs)
    .action(async (id: string | undefined, options: ExtendOptions) => {
      const session = open();
      const target = parseTarget(id, options.exchange);
      const deadline = await chooseDeadline(session, target, options);
      const response = await session.reservations.extend({ ...keyOf(session, id, options), ...deadline });
      await answer(session, ExtendResponseSchema, response, () => tellChange(response));
    });
}

/** With `--by` the present deadline is read first, and its etag makes sure that it still is the present one. */
async function chooseDeadline(session: Session, target: ReturnType<typeof parseTarget>, options: ExtendOptions) {
  if ((options.until === undefined) === (options.by === undefined)) {
    throw new UsageError('say how long: either --until or --by');
  }
  if (options.until !== undefined) return { expireTime: options.until };
  const { reservation } = await session.reservations.getReservation({ target });
  if (reservation?.expireTime === undefined) throw new CommandFailure('this reservation has no deadline');
  const expireTime = timestampFromMs(timestampMs(reservation.expireTime) + (options.by ?? 0));
  return { expireTime, etag: reservation.etag };
}
