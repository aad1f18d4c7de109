import { warningTexts } from './expiry-warning.ts';
import { type Allocation, isLive, lackingUnits, type Reservation, shortUnits, totalReserved } from './reservation.ts';
import type { RecordedTransition } from './working-set.ts';

/** What people should know of; of each kind a reservation has at most one notification. */
export const NOTIFICATION_KINDS = [
  'EXPIRED',
  'EXPIRING_SOON',
  'RELEASED',
  'SHORTAGE',
  'REFUSED_BY_WAREHOUSE',
  'LATE_PICK',
  'INCOMPLETE',
  'RETURN_TO_STOCK',
  'SUGGEST_REFUND',
] as const;

export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** The numbers and names behind a notification: codes, counts and instants, nothing of a person. */
export type NoticeFacts = Readonly<Record<string, string>>;

/** Something that arose with a change and is told in the same commit. */
export interface Notice {
  readonly reservationId: string;
  readonly kind: NotificationKind;
  readonly facts: NoticeFacts;
}

/** A notice as it is kept, and whether anybody has seen it. */
export interface Notification extends Notice {
  readonly notificationId: string;
  readonly trackingId: string;
  readonly exchangeId: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Milliseconds since the Unix epoch; null until somebody acknowledges it. */
  readonly acknowledgedAt: number | null;
  /** The principal; empty until then. */
  readonly acknowledgedBy: string;
}

const NO_NOTICES: readonly Notice[] = [];

/** What people should know of a transition. Making a reservation is no news to anybody. */
export function noticesOf({ kind, previous, next, cause }: RecordedTransition): readonly Notice[] {
  if (previous === null) return NO_NOTICES;
  const notice = (about: NotificationKind, facts: Record<string, string | number>): Notice => ({
    reservationId: next.reservationId,
    kind: about,
    facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)])),
  });
  const notices: Notice[] = [];
  if (kind === 'expired') {
    notices.push(notice('EXPIRED', { units: totalReserved(previous), expire_time: instantText(previous.expireAt) }));
  }
  if (kind === 'expiring-soon') notices.push(notice('EXPIRING_SOON', { expire_time: instantText(next.expireAt) }));
  if (kind === 'released') {
    const { state } = previous;
    const units = totalReserved(previous);
    notices.push(notice('RELEASED', { units, state, release_reason: next.releaseReason ?? '' }));
  }
  if (next.overdueFlagged && !previous.overdueFlagged) {
    notices.push(notice('LATE_PICK', { state: next.state, expire_time: instantText(next.expireAt) }));
  }
  if (kind === 'short') {
    const lost = newlyShort(previous, next);
    if (lost !== null) notices.push(notice('SHORTAGE', lost));
  }
  if (cause.caller.actorType === 'WAREHOUSE' && isLive(next)) {
    const left = kind === 'short' ? [] : gaveUp(previous, next);
    for (const facts of left) notices.push(notice('REFUSED_BY_WAREHOUSE', facts));
    for (const facts of shippedTooLittle(previous, next)) notices.push(notice('INCOMPLETE', facts));
  }
  return notices;
}

/** Units that left, or were picked, although the reservation had ended or had called them off. */
export function returnToStock(reservation: Reservation, event: string, warehouse: string, units: number): Notice {
  const { reservationId, state } = reservation;
  return { reservationId, kind: 'RETURN_TO_STOCK', facts: { event, warehouse, units: String(units), state } };
}

/** What the customer may be told of it, made of nothing but the facts; empty where it is for staff alone. */
export function customerText({ kind, facts }: Pick<Notice, 'kind' | 'facts'>): string {
  return kind === 'EXPIRING_SOON' ? warningTexts(facts.expire_time ?? '').customerMessage : '';
}

/** One sentence in English for staff, made of nothing but the facts. */
export function noticeText({ kind, facts }: Pick<Notice, 'kind' | 'facts'>): string {
  const { units = '0', warehouse = '', state = '' } = facts;
  switch (kind) {
    case 'EXPIRED':
      return `The deadline ${facts.expire_time} passed; ${units} units are free again.`;
    case 'EXPIRING_SOON':
      return warningTexts(facts.expire_time ?? '').staffMessage;
    case 'RELEASED':
      return `Released as ${facts.release_reason} while ${state}; ${units} units are free again.`;
    case 'SHORTAGE':
      return `${units} promised units of ${facts.sku} are not at ${warehouse}.`;
    case 'REFUSED_BY_WAREHOUSE':
      return `${warehouse} gave the pick up; ${units} units are still reserved there.`;
    case 'LATE_PICK':
      return `The deadline passed while ${state}; it was moved to ${facts.expire_time}, once.`;
    case 'INCOMPLETE':
      return `${warehouse} shipped ${facts.shipped} units; ${units} more are still held there.`;
    case 'RETURN_TO_STOCK':
      return `${warehouse} reported ${facts.event} of ${units} units too late, the reservation being ${state}; they must go back into stock.`;
    case 'SUGGEST_REFUND':
      return `${units} promised units of ${facts.sku} are not at ${warehouse} and cannot be had otherwise; a refund is suggested.`;
  }
}

type Facts = Record<string, string | number>;

interface Change {
  readonly sku: string;
  readonly warehouse: string;
  readonly before: Allocation | undefined;
  readonly after: Allocation;
}

/** Every allocation with what it was before. */
function changes(previous: Reservation, next: Reservation): Change[] {
  return next.lines.flatMap(({ lineNumber, sku, allocations }) => {
    const before = previous.lines.find((line) => line.lineNumber === lineNumber)?.allocations ?? [];
    return allocations.map((after) => {
      const { warehouse } = after;
      return { sku, warehouse, before: before.find((part) => part.warehouse === warehouse), after };
    });
  });
}

/** The units that a change made short, and where; of several pools the first is named. */
function newlyShort(previous: Reservation, next: Reservation): Facts | null {
  const total = (reservation: Reservation) => reservation.lines.reduce((sum, line) => sum + shortUnits(line), 0);
  const first = changes(previous, next).find(
    ({ before, after }) => lackingUnits(after) > (before === undefined ? 0 : lackingUnits(before)),
  );
  if (first === undefined) return null;
  return { sku: first.sku, warehouse: first.warehouse, units: total(next) - total(previous) };
}

/** A warehouse that had begun and let go again: what it had picked is not picked any more, and nothing has left. */
function gaveUp(previous: Reservation, next: Reservation): Facts[] {
  const all = changes(previous, next);
  if (all.some(({ before, after }) => after.fulfilled > (before?.fulfilled ?? 0))) return [];
  const dropped = all.find(({ before, after }) => after.picked < (before?.picked ?? 0));
  const isBackToReserved = next.state === 'RESERVED' && previous.state !== 'RESERVED';
  const warehouse =
    dropped?.warehouse ?? (isBackToReserved ? all.find(({ after }) => after.reserved > 0)?.warehouse : undefined);
  if (warehouse === undefined) return [];
  return [{ warehouse, units: heldAt(all, warehouse) }];
}

/** Warehouses that shipped and still hold something; what another one holds is not theirs to ship. */
function shippedTooLittle(previous: Reservation, next: Reservation): Facts[] {
  const all = changes(previous, next);
  const shipped = new Map<string, number>();
  for (const { warehouse, before, after } of all) {
    const units = after.fulfilled - (before?.fulfilled ?? 0);
    if (units > 0) shipped.set(warehouse, (shipped.get(warehouse) ?? 0) + units);
  }
  return [...shipped].flatMap(([warehouse, units]) => {
    const left = heldAt(all, warehouse);
    return left === 0 ? [] : [{ warehouse, shipped: units, units: left }];
  });
}

function heldAt(all: readonly Change[], warehouse: string): number {
  return all.reduce((sum, change) => sum + (change.warehouse === warehouse ? change.after.reserved : 0), 0);
}

function instantText(at: number): string {
  return new Date(at).toISOString();
}
