import { type Refusal, refuse } from './refusal.ts';
import {
  type Allocation,
  clipMissing,
  isReplaced,
  type LiveReservation,
  type Reservation,
  type ReservationLine,
  type ResolvedReservation,
} from './reservation.ts';
import type { StockDelta } from './stock-level.ts';

/** What happened to a reservation; also the kind of its audit event and of the published event. */
export type TransitionKind =
  | 'reserved'
  | 'waitlisted'
  | 'extended'
  | 'changed'
  | 'preparing'
  | 'ready'
  | 'short'
  | 'released'
  | 'expired'
  | 'fulfilled'
  | 'expiring-soon';

/** What a transition does to one pool. */
export interface PoolChange {
  readonly sku: string;
  readonly warehouse: string;
  readonly delta: StockDelta;
  /** The serial units it is about, each of which takes the same share; absent where the item has none. */
  readonly unitIds?: readonly string[];
}

/** The answer of every `decide` function: a change, nothing to do, or a refusal. */
export type Transition =
  | {
      readonly outcome: 'changed';
      readonly kind: TransitionKind;
      readonly next: Reservation;
      readonly pools: readonly PoolChange[];
    }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

export const UNCHANGED: Transition = { outcome: 'unchanged' };

export function refused(refusal: Refusal): Transition {
  return { outcome: 'refused', refusal };
}

/** The next version. Lines that an earlier swap replaced are left out: its own event has told of their end. */
export function changed(kind: TransitionKind, next: Reservation, pools: readonly PoolChange[] = []): Transition {
  const lines = next.lines.some(isReplaced) ? next.lines.filter((line) => !isReplaced(line)) : next.lines;
  return {
    outcome: 'changed',
    kind,
    next: { ...next, lines: lines.map(clipLine), version: next.version + 1 },
    pools,
  };
}

function clipLine(line: ReservationLine): ReservationLine {
  const hasMissing = line.allocations.some((part) => part.missing !== undefined);
  return hasMissing ? { ...line, allocations: line.allocations.map(clipMissing) } : line;
}

/** Says how a resolved reservation was resolved. */
export function alreadyResolved(reservation: ResolvedReservation): Refusal {
  const reasons = { FULFILLED: 'ALREADY_FULFILLED', RELEASED: 'ALREADY_RELEASED', EXPIRED: 'EXPIRED' } as const;
  return refuse(reasons[reservation.state], `the reservation is ${reservation.state.toLowerCase()}`, {
    state: reservation.state,
    resolve_time: new Date(reservation.resolvedAt).toISOString(),
  });
}

/** Refuses when the caller decided on another version than the current one; an empty etag asks for no check. */
export function checkEtag(reservation: Reservation, etag: string): Refusal | null {
  const current = etagOf(reservation);
  if (etag === '' || etag === current) return null;
  return refuse('ETAG_MISMATCH', 'the reservation has changed since it was read', { etag: current }, 0);
}

export function etagOf(reservation: Reservation): string {
  return `v${reservation.version}`;
}

/** Replaces every allocation for which `edit` returns another one. */
export function editAllocations(
  reservation: LiveReservation,
  edit: (allocation: Allocation, line: ReservationLine) => Allocation,
): ReservationLine[] {
  return reservation.lines.map((line) => ({
    ...line,
    allocations: line.allocations.map((allocation) => edit(allocation, line)),
  }));
}
