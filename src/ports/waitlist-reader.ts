/** Where one line of a reservation stands in the queue. */
export interface WaitlistPlace {
  readonly lineNumber: number;
  readonly sku: string;
  /** Units it waits for, at least 1. */
  readonly units: number;
  /** When it took its place, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** Lines of other reservations and of its own that come before it, and the units they wait for. */
  readonly linesAhead: number;
  readonly unitsAhead: number;
}

export interface WaitlistReader {
  /** By line number; empty where nothing of the reservation waits. */
  placesOf(reservationId: string): Promise<WaitlistPlace[]>;
  /** SKUs behind `after` of which some line waits for no more units than there are, at most `limit`. */
  servableSkus(after: string, limit: number): Promise<string[]>;
}
