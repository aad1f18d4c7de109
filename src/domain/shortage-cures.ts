import { type LiveReservation, shortUnits } from './reservation.ts';
import type { Rules } from './rules.ts';
import type { RecordedTransition, WorkingSet } from './working-set.ts';

/**
 * What may be done about promised units that are not there: hold them in another warehouse, wait until stock recovers,
 * offer another item, or suggest to staff that the exchange be refunded.
 */
export const SHORTAGE_CURES = ['RESOURCE', 'WAIT', 'SUBSTITUTE', 'SUGGEST_REFUND'] as const;

export type ShortageCure = (typeof SHORTAGE_CURES)[number];

/**
 * Whether a cure has its turn for a reservation. What stands behind WAIT has it once the waiting nears its end: when the
 * deadline was warned of, or has passed while a warehouse prepares it.
 */
export function hasTurn(cure: ShortageCure, { shortageCures }: Rules, reservation: LiveReservation): boolean {
  const at = shortageCures.indexOf(cure);
  const wait = shortageCures.indexOf('WAIT');
  if (at < 0) return false;
  return wait < 0 || at < wait || reservation.overdueFlagged || reservation.warnedFor === reservation.expireAt;
}

/**
 * Suggests to staff to refund what lacks units of a short pool after every cure before it was tried: of reservations that
 * lost units by these transitions, or whose waiting nears its end by them.
 * @param isShort whether a pool is short now
 */
export function suggestRefunds(
  work: WorkingSet,
  transitions: readonly RecordedTransition[],
  isShort: (sku: string, warehouse: string) => boolean,
): void {
  const moved = transitions.filter(({ kind }) => kind === 'short' || kind === 'expiring-soon' || kind === 'extended');
  for (const reservationId of new Set(moved.map(({ next }) => next.reservationId))) {
    const found = work.find({ by: 'reservation', id: reservationId });
    if (found === null || found.resolvedAt !== null) continue;
    const units = found.lines.reduce((sum, line) => sum + shortUnits(line), 0);
    const place = lackingPlace(found, isShort);
    if (place === null || !hasTurn('SUGGEST_REFUND', work.ruleBook.of(found), found)) continue;
    work.notifications.add({ reservationId, kind: 'SUGGEST_REFUND', facts: { ...place, units: String(units) } });
  }
}

/** Where units are lacking; of several pools the first is named. */
function lackingPlace(
  { lines }: LiveReservation,
  isShort: (sku: string, warehouse: string) => boolean,
): { readonly sku: string; readonly warehouse: string } | null {
  for (const { sku, allocations } of lines) {
    const part = allocations.find(
      ({ warehouse, short, missing = 0 }) => short + missing > 0 && isShort(sku, warehouse),
    );
    if (part !== undefined) return { sku, warehouse: part.warehouse };
  }
  return null;
}
