import type { ToldChange } from '../domain/cure-explanation.ts';

export interface DecisionReader {
  /** The first 200 events of a reservation, beginning with the one that made it; none where nothing tells of it. */
  ofReservation(reservationId: string): Promise<readonly ToldChange[]>;
}
