import { createHash } from 'node:crypto';
import { type Allocation, isPickAsked, type Reservation, warehousesOf } from '../../src/domain/reservation.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';

/** Hexadecimal digits that tell the picks of one reservation at one site apart. */
const PICK_DIGEST_LENGTH = 12;

/** Units of one line at one warehouse. */
export interface SiteLine {
  readonly lineNumber: number;
  readonly sku: string;
  readonly quantity: number;
  /** The serial units; absent where the item has none. */
  readonly unitIds?: readonly string[];
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
    if (line.quantity <= known) return [];
    const given = givenUp(line, previous, next, site);
    return [{ ...line, quantity: line.quantity - known, ...(given.length > 0 && { unitIds: given }) }];
  });
  if (lines.length === 0) return [];
  const released: SiteChange = { site, event: 'reservation-released', lines };
  const wasAsked = previous !== null && isPickAsked(previous);
  return wasAsked ? [released, { site, event: 'pick-cancelled', lines }] : [released];
}

/** The units of a line that a site held before and neither holds nor has shipped now. */
function givenUp({ lineNumber }: SiteLine, previous: Reservation | null, next: Reservation, site: string): string[] {
  const unitsOf = (reservation: Reservation | null, pick: (part: Allocation) => readonly string[]) =>
    (reservation?.lines ?? [])
      .filter((line) => line.lineNumber === lineNumber)
      .flatMap((line) => line.allocations.filter((part) => part.warehouse === site).flatMap(pick));
  const now = new Set(unitsOf(next, promisedUnits));
  return unitsOf(previous, heldUnits).filter((unitId) => !now.has(unitId));
}

function heldUnits({ units = [] }: Allocation): string[] {
  return units.map((unit) => unit.unitId);
}

function promisedUnits(part: Allocation): string[] {
  return [...heldUnits(part), ...(part.shipped ?? [])].sort();
}

function heldAt(reservation: Reservation | null, site: string): SiteLine[] {
  return linesAt(reservation, site, (part) => part.reserved, heldUnits);
}

/** Held and shipped units together: a shipment moves units from one to the other and changes no promise. */
function promisedAt(reservation: Reservation | null, site: string): SiteLine[] {
  return linesAt(reservation, site, (part) => part.reserved + part.fulfilled, promisedUnits);
}

function linesAt(
  reservation: Reservation | null,
  site: string,
  quantityOf: (part: Allocation) => number,
  unitsOf: (part: Allocation) => string[] = () => [],
): SiteLine[] {
  if (reservation === null) return [];
  return reservation.lines.flatMap(({ lineNumber, sku, allocations }) => {
    const parts = allocations.filter((part) => part.warehouse === site);
    const quantity = parts.reduce((sum, part) => sum + quantityOf(part), 0);
    const unitIds = parts.flatMap(unitsOf);
    return quantity === 0 ? [] : [{ lineNumber, sku, quantity, ...(unitIds.length > 0 && { unitIds }) }];
  });
}

function sameLines(a: readonly SiteLine[], b: readonly SiteLine[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
