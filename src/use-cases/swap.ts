import { keepPurchased, type RequestedLine } from '../domain/requested-line.ts';
import type { Reservation } from '../domain/reservation.ts';
import { type SwapRequest, swap } from '../domain/swap.ts';
import type { Transition } from '../domain/transition.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Decision, Outcome, UnitOfWork } from '../ports.ts';
import { type Call, submitOne } from './call.ts';
import { type EquivalentInput, lineNeeds } from './find-equivalents.ts';
import { recordTransition } from './resolve.ts';
import { type TargetInput, targetCommand } from './target-command.ts';

export interface SwapInput extends TargetInput, SwapRequest, Pick<EquivalentInput, 'equivalents'> {}

/** Replaces the lines of a live reservation: what it holds is given back only where the new lines are held. */
export function swapReservation(
  deps: { readonly unitOfWork: UnitOfWork },
  input: SwapInput,
  call: Call,
): Promise<Outcome> {
  const { lines } = input;
  const { needs, lineCount } = lineNeeds(input);
  const orderLineIds = lines.map((line) => line.orderLineId).filter((id) => id !== '');
  const command = targetCommand({
    name: 'swap',
    method: 'Swap',
    input,
    call,
    needs: {
      ...needs,
      targetOrderLineIds: [...new Set(orderLineIds)],
      // What begins to wait is served by the rules its reservation was made by.
      ownRules: input.waitlist === true,
    },
    lineCount,
    decide: (found, work) => recordSwap(work, found, lines, swap(found, input, work), call, ''),
  });
  return submitOne(deps.unitOfWork, command, call);
}

/** Writes a decided swap into the working set, with what its lines say of the order. */
export function recordSwap(
  work: WorkingSet,
  found: Reservation,
  lines: readonly RequestedLine[],
  swapped: Transition,
  call: Pick<Call, 'caller' | 'trace'>,
  reason: string,
): Decision {
  if (swapped.outcome === 'changed') keepPurchased(work, found.orderId, lines);
  return recordTransition(work, found, swapped, call, reason);
}
