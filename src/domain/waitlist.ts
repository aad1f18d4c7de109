import type { RequestedLine } from './requested-line.ts';
import { isLive, type Reservation, type ReservationLine, reservedUnits } from './reservation.ts';
import { availableUnits, type StockLevel } from './stock-level.ts';

/** One line in the queue, with what must be known of its reservation to tell whether it can be served. */
export interface WaitlistEntry {
  readonly reservationId: string;
  readonly lineNumber: number;
  readonly sku: string;
  /** Units it waits for, at least 1. */
  readonly units: number;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** When it took its place, in milliseconds since the Unix epoch. */
  readonly since: number;
  readonly priority: number;
  readonly channel: string;
  readonly ruleVersion: number;
  /** The deadline of its reservation, after which it is not served any more. */
  readonly expireAt: number;
}

/** Lines one unit of work serves at most, over all its SKUs; what is left is served by the units that follow. */
export const SERVED_MAX = 1_000;

/**
 * Serial units of one item that one unit of work gives to its queue at most, for as many are read for it; what is left
 * is served by the units that follow. No line waits for more.
 */
export const QUEUED_UNITS_MAX = 2_000;

/** By priority, higher first, then by age; ids and line numbers only make the order total. */
export function compareEntries(a: WaitlistEntry, b: WaitlistEntry): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.since !== b.since) return a.since - b.since;
  if (a.reservationId !== b.reservationId) return a.reservationId < b.reservationId ? -1 : 1;
  return a.lineNumber - b.lineNumber;
}

/** How lines take their place in the queue. */
export interface Queueing {
  readonly splitAllowed: boolean;
  readonly holdWindowMs: number;
  /** When a line of a SKU took its place, in milliseconds since the Unix epoch. */
  readonly since: (sku: string) => number;
}

/**
 * The lines with what could not be held in the queue.
 * @param requested what was asked for, in the order of the lines
 */
export function queueRest(
  lines: readonly ReservationLine[],
  requested: readonly RequestedLine[],
  { splitAllowed, holdWindowMs, since }: Queueing,
): ReservationLine[] {
  return lines.map((line, at) => {
    const units = line.quantity - reservedUnits(line);
    if (units === 0) return line;
    const pinned = requested[at]?.warehouse ?? '';
    // A line that may not be split goes on waiting where its first units are held.
    const warehouse = pinned === '' && !splitAllowed ? (line.allocations[0]?.warehouse ?? '') : pinned;
    return { ...line, waiting: { units, warehouse, since: since(line.sku), holdWindowMs } };
  });
}

/** The lines of a reservation that are in the queue. */
export function entriesOf(reservation: Reservation): WaitlistEntry[] {
  if (!isLive(reservation)) return [];
  const { reservationId, priority, channel, ruleVersion, expireAt } = reservation;
  return reservation.lines.flatMap(({ lineNumber, sku, waiting }) => {
    if (waiting === undefined) return [];
    const { units, warehouse, since } = waiting;
    return [{ reservationId, lineNumber, sku, units, warehouse, since, priority, channel, ruleVersion, expireAt }];
  });
}

/** The queues of the locked SKUs, as one unit of work reads and changes them. */
export class Waitlist {
  readonly #queues = new Map<string, WaitlistEntry[]>();
  readonly #open = new Set<string>();
  readonly #unlocked = new Set<string>();
  readonly #served = new Map<string, number>();
  #turns = 0;

  /** @param open SKUs to be looked at before anything is decided */
  constructor(entries: readonly WaitlistEntry[], open: readonly string[]) {
    for (const entry of entries) this.#add(entry);
    for (const sku of open) this.#reopen(sku);
  }

  /** Reservations that could be served and are not locked. */
  get unlocked(): ReadonlySet<string> {
    return this.#unlocked;
  }

  /** Takes a SKU of which units may have come free for its queue; null where there is none. */
  takeOpen(): string | null {
    for (const sku of this.#open) {
      this.#open.delete(sku);
      return sku;
    }
    return null;
  }

  /** The queue of a SKU as it is now, first come first. */
  inOrder(sku: string): WaitlistEntry[] {
    return (this.#queues.get(sku) ?? []).toSorted(compareEntries);
  }

  /** Lines of a SKU's queue that this unit has served. */
  servedOf(sku: string): number {
    return this.#served.get(sku) ?? 0;
  }

  /** Takes note of a line that was served. */
  wasServed({ sku }: WaitlistEntry): void {
    this.#served.set(sku, this.servedOf(sku) + 1);
    this.#turns += 1;
  }

  /** Whether so many lines had their turn in this unit that the rest is left to the next. */
  get isFull(): boolean {
    return this.#turns >= SERVED_MAX;
  }

  /** Takes note of a reservation that could be served had it been locked. */
  missed({ reservationId }: WaitlistEntry): void {
    this.#unlocked.add(reservationId);
    this.#turns += 1;
  }

  /** Follows a change of a reservation: its lines may have joined the queue, left it, or look elsewhere. */
  move(previous: Reservation | null, next: Reservation): void {
    if (previous?.state !== 'WAITLISTED' && next.state !== 'WAITLISTED') return;
    const { reservationId } = next;
    for (const { sku } of previous === null ? [] : entriesOf(previous)) {
      const rest = this.#queues.get(sku)?.filter((entry) => entry.reservationId !== reservationId) ?? [];
      if (rest.length === 0) this.#queues.delete(sku);
      else this.#queues.set(sku, rest);
    }
    for (const entry of entriesOf(next)) {
      this.#add(entry);
      this.#reopen(entry.sku);
    }
  }

  /** Follows a change of a pool: what came free goes to the queue first. */
  poolChanged(before: StockLevel, after: StockLevel): void {
    if (this.#queues.size > 0 && availableUnits(after) > availableUnits(before)) this.#reopen(after.sku);
  }

  #reopen(sku: string): void {
    if (this.#queues.has(sku)) this.#open.add(sku);
  }

  #add(entry: WaitlistEntry): void {
    const queue = this.#queues.get(entry.sku);
    if (queue === undefined) this.#queues.set(entry.sku, [entry]);
    else queue.push(entry);
  }
}
