import { createHash } from 'node:crypto';
import { isPickAsked, type Reservation, warehousesOf } from '../../src/domain/reservation.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';

/** Hexadecimal digits that tell the picks of one reservation at one site apart. */
const PICK_DIGEST_LENGTH = 12;

/** Units of one line at one warehouse. */
export interface SiteLine {
  readonly lineNumber: number;
  readonly sku: string;
  readonly quantity: number;
}

export type SiteEvent =
  | 'reservation-requested'
  | 'reservation-changed'
  | 'reservation-released'
  | 'pick-requested'
  | 'pick-cancelled';

/** One message to the warehouse system of one site. */
export interface SiteChange {
  readonly site: string;
  readonly event: SiteEvent;
  readonly lines: readonly SiteLine[];
}

/** The warehouse's own doing, told by itself: it is not told back. */
const ECHOES: ReadonlySet<TransitionKind> = new Set(['preparing', 'ready', 'short']);

/**
 * What each warehouse has to be told about a change of a reservation.
 *
 * A warehouse that newly holds units gets `reservation-requested`, and with nothing waiting `pick-requested` at once, or
 * once the milestone was reported that the pick awaits.
 * One whose units are given back gets `reservation-released` and `pick-cancelled`. Otherwise it gets
 * `reservation-changed` where its lines or the deadline changed, and where it was to pick lines that are others now,
 * `pick-cancelled` for the old and `pick-requested` for the new ones, which is another pick. Units it picked, missed or shipped are its own report
 * and come back as nothing; so does a fulfilment, for the new count says all of it, unless it gives the rest back.
 */
export function siteChanges(kind: TransitionKind, previous: Reservation | null, next: Reservation): SiteChange[] {
  if (ECHOES.has(kind)) return [];
  const sites = new Set([...(previous === null ? [] : warehousesOf(previous)), ...warehousesOf(next)]);
  return [...sites].flatMap((site) => changesAt(site, previous, next));
}

function changesAt(site: string, previous: Reservation | null, next: Reservation): SiteChange[] {
  const before = heldAt(previous, site);
  const held = heldAt(next, site);
  if (held.length === 0) return withdrawnAt(site, previous, next);
  const changes: SiteChange[] = [];
  const isPromiseChanged = !sameLines(promisedAt(previous, site), promisedAt(next, site));
  if (before.length === 0) {
    changes.push({ site, event: 'reservation-requested', lines: held });
  } else if (isPromiseChanged || previous?.expireAt !== next.expireAt) {
    changes.push({ site, event: 'reservation-changed', lines: held });
  }
  const wasAsked = previous !== null && isPickAsked(previous);
  const isPickReplaced = before.length > 0 && isPromiseChanged && previous?.state === 'RESERVED' && wasAsked;
  if (isPickReplaced) changes.push({ site, event: 'pick-cancelled', lines: before });
  const isPickDue = before.length === 0 || isPickReplaced || !wasAsked;
  if (isPickDue && next.state === 'RESERVED' && isPickAsked(next))
    changes.push({ site, event: 'pick-requested', lines: held });
  return changes;
}

/** Names what a site was asked to pick: other lines or quantities are another pick, also where they were there before. */
export function pickIdAt(reservation: Reservation, site: string): string {
  const promised = promisedAt(reservation, site);
  const returned = linesAt(reservation, site, (part) => part.released);
  const facts = promised.map((line) => [
    line,
    returned.find((other) => other.lineNumber === line.lineNumber)?.quantity,
  ]);
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  return `${reservation.trackingId}:${site}:${digest.slice(0, PICK_DIGEST_LENGTH)}`;
}

/** Units given back are called off; units that left are not. */
function withdrawnAt(site: string, previous: Reservation | null, next: Reservation): SiteChange[] {
  const before = linesAt(previous, site, (part) => part.released);
  const lines = linesAt(next, site, (part) => part.released).flatMap((line) => {
    const known = before.find((other) => other.lineNumber === line.lineNumber)?.quantity ?? 0;
    return line.quantity > known ? [{ ...line, quantity: line.quantity - known }] : [];
  });
  if (lines.length === 0) return [];
  const released: SiteChange = { site, event: 'reservation-released', lines };
  const wasAsked = previous !== null && isPickAsked(previous);
  return wasAsked ? [released, { site, event: 'pick-cancelled', lines }] : [released];
}

function heldAt(reservation: Reservation | null, site: string): SiteLine[] {
  return linesAt(reservation, site, (part) => part.reserved);
}

/** Held and shipped units together: a shipment moves units from one to the other and changes no promise. */
function promisedAt(reservation: Reservation | null, site: string): SiteLine[] {
  return linesAt(reservation, site, (part) => part.reserved + part.fulfilled);
}

function linesAt(
  reservation: Reservation | null,
  site: string,
  quantityOf: (part: { reserved: number; fulfilled: number; released: number }) => number,
): SiteLine[] {
  if (reservation === null) return [];
  return reservation.lines.flatMap(({ lineNumber, sku, allocations }) => {
    const quantity = allocations
      .filter((part) => part.warehouse === site)
      .reduce((sum, part) => sum + quantityOf(part), 0);
    return quantity === 0 ? [] : [{ lineNumber, sku, quantity }];
  });
}

function sameLines(a: readonly SiteLine[], b: readonly SiteLine[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
