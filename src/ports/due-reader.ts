export interface DueReservation {
  readonly reservationId: string;
  /** Milliseconds since its deadline, by the database's clock. */
  readonly lateMs: number;
}

export interface DueReader {
  /** Reservations past their deadline, oldest first, at most `limit`, without the `passedOver` oldest. */
  dueReservations(limit: number, passedOver?: number): Promise<readonly DueReservation[]>;
  /** In preparation past their deadline and not flagged. */
  overdueReservations(limit: number): Promise<readonly DueReservation[]>;
  /** Ids of those whose deadline is near by the rules they follow and was not told of, the nearest first. */
  unwarnedReservations(limit: number): Promise<readonly string[]>;
  /** Milliseconds until the next deadline by the database's clock; null where nothing is held. */
  nextDeadlineInMs(): Promise<number | null>;
}
