import type { KeptRequest } from '../domain/asked-request.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { SeenPool } from '../domain/seen-pools.ts';

/** The decision that made a reservation. */
export interface MadeDecision {
  /** The reservation as it was made. */
  readonly made: Reservation;
  /** Empty where the version that decided kept no numbers. */
  readonly seen: readonly SeenPool[];
  /** Null where the version that decided kept no requests. */
  readonly asked: KeptRequest | null;
}

export interface DecisionReader {
  /** Null where no event tells of it. */
  ofReservation(reservationId: string): Promise<MadeDecision | null>;
}
