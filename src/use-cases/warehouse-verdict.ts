import type { SpanContext } from '@opentelemetry/api';
import type { Caller } from '../domain/caller.ts';
import type { StockCount } from '../domain/counting.ts';
import type { PickedLine } from '../domain/picking.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { Transition } from '../domain/transition.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { Verdict } from '../ports.ts';
import { recordTransition } from './resolve.ts';

export type PickEvent = 'pick-started' | 'pick-aborted' | 'pick-confirmed' | 'pick-shorted' | 'shipment-confirmed';

/** One message of a warehouse system, decoded and checked for form. */
export type WarehouseMessage = {
  readonly wms: string;
  readonly messageId: string;
  /** SHA-256 over the decoded message. */
  readonly contentHash: Uint8Array;
  readonly warehouse: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly trace: SpanContext | null;
} & (
  | {
      readonly event: PickEvent;
      readonly trackingId: string;
      /** Empty means everything the warehouse holds of the reservation. */
      readonly lines: readonly PickedLine[];
      readonly code: string;
    }
  | { readonly event: 'inventory-counted'; readonly counts: readonly StockCount[] }
);

export type PickMessage = Extract<WarehouseMessage, { event: PickEvent }>;
export type CountMessage = Extract<WarehouseMessage, { event: 'inventory-counted' }>;

/** Writes what a message brought about and says what became of it. */
export function recordMessage(
  work: WorkingSet,
  found: Reservation,
  transition: Transition,
  message: PickMessage,
  caller: Caller,
): Verdict {
  const reason = message.code === '' ? message.event : message.code;
  const occurredAt = Math.min(message.occurredAt, work.now);
  const decision = recordTransition(work, found, transition, { caller, trace: message.trace }, reason, occurredAt);
  if ('refusal' in decision) return rejected(decision.refusal);
  const answer = decision.answer.kind === 'reservation' ? decision.answer.reservation : null;
  return answer?.version === found.version ? ignored('already so') : ACCEPTED;
}

export function holdsNothing({ warehouse }: PickMessage): Refusal {
  return refuse('INVALID_FIELD', 'the warehouse holds nothing of it', { field: 'warehouse', warehouse });
}

export const ACCEPTED: Verdict = { kind: 'ACCEPTED', reason: '', metadata: {} };

export function ignored(why: string): Verdict {
  return { kind: 'IGNORED', reason: '', metadata: { why } };
}

export function rejected(refusal: Refusal): Verdict {
  return { kind: 'REJECTED', reason: refusal.reason, metadata: refusal.metadata };
}
