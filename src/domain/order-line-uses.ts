import { type OrderLineUse, orderLineKey } from './eligibility.ts';
import { type Reservation, waitingUnits } from './reservation.ts';

/** How much of each order line is exchanged, as one unit of work reads and changes it. */
export class OrderLineUses {
  readonly #uses = new Map<string, OrderLineUse>();
  readonly #changed = new Set<string>();

  constructor(uses: readonly OrderLineUse[]) {
    for (const use of uses) this.#uses.set(orderLineKey(use.orderId, use.orderLineId), use);
  }

  get(orderId: string, orderLineId: string): OrderLineUse {
    const known = this.#uses.get(orderLineKey(orderId, orderLineId));
    return known ?? { orderId, orderLineId, purchased: 0, exchanged: 0 };
  }

  /** The first known number of bought units stands. */
  setPurchased(orderId: string, orderLineId: string, purchased: number): void {
    const use = this.get(orderId, orderLineId);
    if (use.purchased > 0 || purchased <= 0) return;
    this.#put({ ...use, purchased });
  }

  /** Counts what a change of a reservation takes from its order lines or gives back to them. */
  move(previous: Reservation | null, next: Reservation): void {
    for (const line of next.lines) {
      if (line.orderLineId === '') continue;
      const before = previous?.lines.find((other) => other.lineNumber === line.lineNumber);
      const delta = exchangedUnits(line) - (before === undefined ? 0 : exchangedUnits(before));
      if (delta === 0) continue;
      const use = this.get(next.orderId, line.orderLineId);
      this.#put({ ...use, exchanged: use.exchanged + delta });
    }
  }

  changed(): OrderLineUse[] {
    return [...this.#changed].map((key) => this.#uses.get(key)).filter((use) => use !== undefined);
  }

  #put(use: OrderLineUse): void {
    const key = orderLineKey(use.orderId, use.orderLineId);
    this.#uses.set(key, use);
    this.#changed.add(key);
  }
}

/** Units that count against what was bought: held, consumed or waited for, not those given back. */
function exchangedUnits(line: Reservation['lines'][number]): number {
  return line.allocations.reduce((sum, part) => sum + part.reserved + part.fulfilled, waitingUnits(line));
}
