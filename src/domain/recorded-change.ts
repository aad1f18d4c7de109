import type { AskedRequest } from './asked-request.ts';
import type { Caller } from './caller.ts';
import type { Reservation } from './reservation.ts';
import type { SeenPool } from './seen-pools.ts';
import type { TransitionKind } from './transition.ts';

/** Who and what caused a change, for its audit event. */
export interface Cause {
  readonly caller: Caller;
  /** Short code or words of the caller; never customer data. */
  readonly reason: string;
  readonly traceId: string;
  /** W3C trace context of the causing request; empty where there is none. */
  readonly traceparent: string;
}

export interface RecordedTransition {
  readonly kind: TransitionKind;
  readonly previous: Reservation | null;
  readonly next: Reservation;
  readonly cause: Cause;
  /** The pools as the decision saw them, where it chose among some. */
  readonly seen?: readonly SeenPool[];
  /** The request that made the reservation. */
  readonly asked?: AskedRequest;
}

export type MovementKind = 'RECEIVED' | 'ADJUSTED' | 'COUNTED' | 'SHIPPED' | 'SHORT_PICKED';

/** A change of what is physically there. Reserving and releasing move nothing and write no movement. */
export interface Movement {
  readonly sku: string;
  readonly warehouse: string;
  readonly kind: MovementKind;
  readonly onHandDelta: number;
  readonly unavailableDelta: number;
  readonly committedDelta: number;
  /** When it happened in the warehouse, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly reservationId: string | null;
  readonly cause: Cause;
}
