import { isDue, isLive, type Reservation } from './reservation.ts';

/** How many live reservations each locked customer has, as one unit of work reads and changes it. */
export class LiveCounts {
  readonly #counts: Map<string, number>;
  readonly #now: number;

  /** @param counts without what is past its deadline, which the clock has freed already */
  constructor(counts: ReadonlyMap<string, number>, now: number) {
    this.#counts = new Map(counts);
    this.#now = now;
  }

  /** Null where the customer is not locked. */
  get(customerRef: string): number | null {
    return this.#counts.get(customerRef) ?? null;
  }

  move(previous: Reservation | null, next: Reservation): void {
    const count = this.#counts.get(next.customerRef);
    if (count === undefined) return;
    const before = previous !== null && this.#counted(previous);
    this.#counts.set(next.customerRef, count + Number(this.#counted(next)) - Number(before));
  }

  #counted(reservation: Reservation): boolean {
    return isLive(reservation) && !isDue(reservation, this.#now);
  }
}
