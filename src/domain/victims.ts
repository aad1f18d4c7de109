import type { Allocation, LiveReservation, Reservation, ReservationLine } from './reservation.ts';
import { isLive } from './reservation.ts';
import { changed, type Transition } from './transition.ts';

/** Where an allocation stands in the order in which reservations lose units of a pool. */
export interface Standing {
  readonly priority: number;
  /** Time-ordered, so that the newest reservation has the highest. */
  readonly reservationId: string;
  readonly lineNumber: number;
}

/** What is read of a pool that lacks promised units, under its lock. */
export interface PoolVictims {
  /** Units past their deadline that nobody has swept: the clock has freed them, so they are no shortage. */
  readonly due: number;
  /** Units of its lines that pickers did not find. */
  readonly short: number;
  /** Units of its lines that are missing. */
  readonly missing: number;
  /** Lines read in each direction. */
  readonly limit: number;
  /** The last of those that may lose units; null where all were read. */
  readonly lastToLose: Standing | null;
  /** The last of those that may recover; null where all were read. */
  readonly lastToRecover: Standing | null;
}

/** A part of a line that holds units of the pool in question. */
export interface HeldPart extends Standing {
  readonly reservation: LiveReservation;
  readonly part: Allocation;
}

/** What a line loses (positive) or gets back (negative), and how much of it a picker was thought to have. */
export interface Loss {
  readonly held: HeldPart;
  readonly units: number;
  readonly unpicked: number;
}

/** Lowest priority first, then the newest, then the last line of it. */
export function byLoss(a: Standing, b: Standing): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.reservationId !== b.reservationId) return a.reservationId > b.reservationId ? -1 : 1;
  return b.lineNumber - a.lineNumber;
}

/** The parts of a reservation that hold units of a pool. */
export function heldParts(reservation: Reservation, sku: string, warehouse: string): HeldPart[] {
  if (!isLive(reservation)) return [];
  const { priority, reservationId } = reservation;
  return reservation.lines.flatMap((line: ReservationLine) =>
    line.sku !== sku
      ? []
      : line.allocations
          .filter((part) => part.warehouse === warehouse && part.reserved > 0)
          .map((part) => ({ reservation, priority, reservationId, lineNumber: line.lineNumber, part })),
  );
}

/**
 * Chooses whose units are missing. What a picker has in hand is there; only where all else is missing already does the
 * count win over the picks.
 */
export function chooseLosers(parts: readonly HeldPart[], units: number): Loss[] {
  const ordered = parts.toSorted(byLoss);
  const losses: Loss[] = [];
  let left = units;
  for (const held of ordered) {
    const { reserved, picked, short, missing = 0 } = held.part;
    const taken = Math.min(left, reserved - picked - short - missing);
    if (taken > 0) losses.push({ held, units: taken, unpicked: 0 });
    left -= Math.max(0, taken);
  }
  for (const held of ordered) {
    const taken = Math.min(left, held.part.picked);
    if (taken > 0) losses.push({ held, units: taken, unpicked: taken });
    left -= taken;
  }
  return losses;
}

/** Chooses who gets back what was missing: who would lose it last gets it first. */
export function chooseRecovered(parts: readonly HeldPart[], units: number): Loss[] {
  const losses: Loss[] = [];
  let left = units;
  for (const held of parts.toSorted((a, b) => byLoss(b, a))) {
    const given = Math.min(left, held.part.missing ?? 0);
    if (given > 0) losses.push({ held, units: -given, unpicked: 0 });
    left -= given;
  }
  return losses;
}

/** A reservation after its lines lost or got back units of one pool. What is not there any more is not ready. */
export function applyLosses(reservation: LiveReservation, losses: readonly Loss[]): Transition {
  const lines = reservation.lines.map((line) => {
    const mine = losses.filter(({ held }) => held.lineNumber === line.lineNumber);
    if (mine.length === 0) return line;
    return { ...line, allocations: line.allocations.map((part) => applyToPart(part, mine)) };
  });
  const isLost = losses.some(({ units }) => units > 0);
  const state = isLost && reservation.state === 'READY' ? 'PREPARING' : reservation.state;
  return changed(isLost ? 'short' : 'changed', { ...reservation, lines, state });
}

function applyToPart(part: Allocation, losses: readonly Loss[]): Allocation {
  const mine = losses.filter(({ held }) => held.part.warehouse === part.warehouse);
  if (mine.length === 0) return part;
  const units = mine.reduce((sum, loss) => sum + loss.units, 0);
  const unpicked = mine.reduce((sum, loss) => sum + loss.unpicked, 0);
  return { ...part, picked: part.picked - unpicked, missing: (part.missing ?? 0) + units };
}
