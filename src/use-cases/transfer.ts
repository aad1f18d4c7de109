import { type TransferRequest, transfer } from '../domain/transfer.ts';
import type { Outcome, UnitOfWork } from '../ports.ts';
import { type Call, submitOne } from './call.ts';
import { recordTransition } from './resolve.ts';
import { type TargetInput, targetCommand } from './target-command.ts';

export interface TransferInput extends TargetInput, TransferRequest {}

/** Moves what is held to another warehouse; where that has not enough, nothing changes. */
export function transferReservation(
  deps: { readonly unitOfWork: UnitOfWork },
  input: TransferInput,
  call: Call,
): Promise<Outcome> {
  const command = targetCommand({
    name: 'transfer',
    method: 'Transfer',
    input,
    call,
    lineCount: Math.max(1, input.lines.length),
    decide: (found, work) => recordTransition(work, found, transfer(found, input, work), call, ''),
  });
  return submitOne(deps.unitOfWork, command, call);
}
