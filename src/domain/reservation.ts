import type { HeldUnit } from './held-units.ts';
import type { Milestone } from './milestone-rules.ts';

/** Life cycle of a reservation as data. How it moves from state to state is decided in `transition.ts`. */

export type LiveState = 'WAITLISTED' | 'RESERVED' | 'PREPARING' | 'READY';
export type ResolvedState = 'FULFILLED' | 'RELEASED' | 'EXPIRED';
export type ReservationState = LiveState | ResolvedState;

export const RESERVATION_STATES: readonly ReservationState[] = [
  'WAITLISTED',
  'RESERVED',
  'PREPARING',
  'READY',
  'FULFILLED',
  'RELEASED',
  'EXPIRED',
];

export type ReleaseReason = 'CANCELLED' | 'REFUNDED' | 'EXPIRED' | 'SUPERSEDED' | 'SHORT_PICKED' | 'MANUAL';

export const RELEASE_REASONS: readonly ReleaseReason[] = [
  'CANCELLED',
  'REFUNDED',
  'EXPIRED',
  'SUPERSEDED',
  'SHORT_PICKED',
  'MANUAL',
];

/**
 * The units of one line that one warehouse holds. Every unit ever allocated is in exactly one of
 * reserved, fulfilled and released; picked and short are parts of reserved.
 */
export interface Allocation {
  readonly warehouse: string;
  readonly reserved: number;
  readonly picked: number;
  readonly short: number;
  readonly fulfilled: number;
  readonly released: number;
  /**
   * Reserved units that the pool lacks by a count or damage, beside what pickers did not find; absent while there are
   * none. With picked and short they are no more than reserved.
   */
  readonly missing?: number;
  /** The serial units that are reserved, by name; absent where the item has none. */
  readonly units?: readonly HeldUnit[];
  /** The serial units that are fulfilled; absent where there are none. */
  readonly shipped?: readonly string[];
}

/** What a line still waits for. */
export interface Waiting {
  /** Units, at least 1. */
  readonly units: number;
  /** The only warehouse they may come from; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** When it took its place in the queue, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** The hold window that begins once nothing of the reservation waits any more, in milliseconds. */
  readonly holdWindowMs: number;
}

export interface ReservationLine {
  /** From 1, in the order of the requests; a line that replaces others has a number none of them had. */
  readonly lineNumber: number;
  /** What is held. */
  readonly sku: string;
  /** What was asked for, where an equivalent item is held instead; absent where it is what was asked for. */
  readonly substitutedFor?: string;
  /** Units asked for; 0 once the line is replaced. */
  readonly quantity: number;
  readonly orderLineId: string;
  readonly returnedSku: string;
  /**
   * When a swap, a transfer, a re-sourcing or the end of its waiting last changed it, in milliseconds since the Unix
   * epoch; absent while it is as reserved.
   */
  readonly changedAt?: number;
  /** Its request named the warehouse, so that nothing but a transfer moves it; absent where the rules chose. */
  readonly pinned?: true;
  /** Absent where nothing waits: a reservation is WAITLISTED exactly where some line has it. */
  readonly waiting?: Waiting;
  readonly allocations: readonly Allocation[];
}

interface ReservationFacts {
  readonly reservationId: string;
  readonly trackingId: string;
  /** From 1 without gaps; one audit event for each. */
  readonly version: number;
  readonly exchangeId: string;
  readonly returnCaseId: string;
  readonly orderId: string;
  readonly customerRef: string;
  readonly channel: string;
  readonly priority: number;
  readonly lines: readonly ReservationLine[];
  readonly ruleVersion: number;
  readonly createdAt: number;
  /** The deadline: milliseconds since the Unix epoch by the database's clock. */
  readonly expireAt: number;
  readonly traceId: string;
  /** When the warehouse first answered for it, or null. */
  readonly warehouseConfirmedAt: number | null;
  /** Whether staff were told that the deadline passed while it was being prepared. */
  readonly overdueFlagged: boolean;
  /** The last deadline that was told to be near; absent until one was. */
  readonly warnedFor?: number;
  /** The milestone without which no pick is asked for; absent where its rules name none, and once it was reported. */
  readonly pickAwaits?: Milestone;
}

export type LiveReservation = ReservationFacts & {
  readonly state: LiveState;
  readonly resolvedAt: null;
  readonly releaseReason: null;
};

export type ResolvedReservation = ReservationFacts &
  (
    | { readonly state: 'FULFILLED'; readonly resolvedAt: number; readonly releaseReason: null }
    | { readonly state: 'RELEASED'; readonly resolvedAt: number; readonly releaseReason: ReleaseReason }
    | { readonly state: 'EXPIRED'; readonly resolvedAt: number; readonly releaseReason: 'EXPIRED' }
  );

export type Reservation = LiveReservation | ResolvedReservation;

export function isLive(reservation: Reservation): reservation is LiveReservation {
  return reservation.resolvedAt === null;
}

/** Only WAITLISTED and RESERVED expire: what a warehouse has begun is never freed by the clock. */
export function canExpire(reservation: Reservation): boolean {
  return reservation.state === 'RESERVED' || reservation.state === 'WAITLISTED';
}

/** Past its deadline and still holding units that the clock may free. */
export function isDue(reservation: Reservation, now: number): boolean {
  return canExpire(reservation) && reservation.expireAt <= now;
}

/** Units of a line that still wait for stock. */
export function waitingUnits(line: ReservationLine): number {
  return line.waiting?.units ?? 0;
}

/** Whether some unit of these lines still waits for stock. */
export function isWaiting(lines: readonly ReservationLine[]): boolean {
  return lines.some((line) => line.waiting !== undefined);
}

/** Whether warehouses were asked to pick what they hold, at the latest by the change that led to this state. */
export function isPickAsked({ state, pickAwaits }: Reservation): boolean {
  return state !== 'WAITLISTED' && pickAwaits === undefined;
}

/** The reservation as one whose pick awaits nothing. */
export function withoutAwaiting(reservation: LiveReservation): LiveReservation;
export function withoutAwaiting(reservation: Reservation): Reservation;
export function withoutAwaiting(reservation: Reservation): Reservation {
  const { pickAwaits: _, ...rest } = reservation;
  return rest;
}

/** The line as one that waits for nothing. */
export function withoutWaiting(line: ReservationLine): ReservationLine {
  if (line.waiting === undefined) return line;
  const { waiting: _, ...rest } = line;
  return rest;
}

export function reservedUnits(line: ReservationLine): number {
  return sumOf(line, (allocation) => allocation.reserved);
}

/** Replaced by a swap: it asks for nothing and holds nothing any more. The next change leaves it out. */
export function isReplaced(line: ReservationLine): boolean {
  return line.quantity === 0;
}

/** Every unit that was ever allocated, whatever became of it. */
export function allocatedUnits(part: Allocation): number {
  return part.reserved + part.fulfilled + part.released;
}

export function fulfilledUnits(line: ReservationLine): number {
  return sumOf(line, (allocation) => allocation.fulfilled);
}

/** Reserved units that are not there, whoever found it out. */
export function shortUnits(line: ReservationLine): number {
  return sumOf(line, lackingUnits);
}

export function lackingUnits({ short, missing = 0 }: Allocation): number {
  return short + missing;
}

/** Missing units are a part of what is held and neither picked nor short; what is more than that is not missing. */
export function clipMissing(part: Allocation): Allocation {
  const { missing, ...rest } = part;
  if (missing === undefined) return part;
  const left = Math.min(missing, rest.reserved - rest.picked - rest.short);
  return left <= 0 ? rest : { ...rest, missing: left };
}

/** Units of the reservation that are held now, over all lines and warehouses. */
export function totalReserved(reservation: Reservation): number {
  return reservation.lines.reduce((sum, line) => sum + reservedUnits(line), 0);
}

/** The warehouses that hold or held units of the reservation, each once, in line order. */
export function warehousesOf(reservation: Reservation): string[] {
  return [...new Set(reservation.lines.flatMap((line) => line.allocations.map((part) => part.warehouse)))];
}

/** Whether a warehouse holds or has shipped units of the reservation; one that gave all of them up does not. */
export function isServedBy(reservation: Reservation, warehouse: string): boolean {
  return reservation.lines.some((line) =>
    line.allocations.some((part) => part.warehouse === warehouse && part.reserved + part.fulfilled > 0),
  );
}

function sumOf(line: ReservationLine, pick: (allocation: Allocation) => number): number {
  return line.allocations.reduce((sum, allocation) => sum + pick(allocation), 0);
}
