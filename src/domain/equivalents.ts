import { descend, type ShortfallWishes } from './ladder.ts';
import type { Refusal } from './refusal.ts';
import { heldByExchanges, maximumOf, type RequestedLine, requestedUnits, UNITS_ASKED_MAX } from './requested-line.ts';
import { type Reservation, reservedUnits } from './reservation.ts';
import { SALE_CHANNEL } from './stock-level.ts';
import { checkAttributes } from './wanted-item.ts';
import type { WorkingSet } from './working-set.ts';

/** Equivalent items tried for one line: the first of those that its item names. */
export const EQUIVALENTS_TRIED_MAX = 10;

/**
 * The lines with the items that may be held instead, where the customer accepts them: known, not retired, and as the line
 * wants them. Who asks for exact units wants those.
 * @throws MissingRows where the pools of an equivalent item are not locked
 */
export function offerSubstitutes(
  work: WorkingSet,
  lines: readonly RequestedLine[],
  { acceptSubstitutes }: ShortfallWishes,
): readonly RequestedLine[] {
  if (acceptSubstitutes !== true) return lines;
  return lines.map((line) => {
    const substitutes = substitutesOf(work, line);
    return substitutes.length === 0 ? line : { ...line, substitutes };
  });
}

function substitutesOf(work: WorkingSet, { sku, unitIds = [], wantedAttributes }: RequestedLine): string[] {
  if (unitIds.length > 0) return [];
  const equivalent = work.item(sku)?.equivalentSkus ?? [];
  return equivalent.slice(0, EQUIVALENTS_TRIED_MAX).filter((other) => {
    const item = other === sku ? null : work.item(other);
    return item !== null && !item.retired && checkAttributes(item, wantedAttributes) === null;
  });
}

/**
 * What is refused for want of stock names the equivalent items that the same request could be given if the customer
 * accepted them, in `alternatives`: as the catalogue names them, in stock or not.
 */
export function nameAlternatives(
  work: WorkingSet,
  refusal: Refusal,
  lines: readonly RequestedLine[],
  wishes: ShortfallWishes,
): Refusal {
  const { sku } = refusal.metadata;
  if (refusal.reason !== 'NO_STOCK' || sku === undefined || wishes.acceptSubstitutes === true) return refusal;
  const isOpen = lines.some((line) => line.sku === sku && (line.unitIds?.length ?? 0) === 0);
  if (!isOpen || !descend(work.rules.ladder, { ...wishes, acceptSubstitutes: true }).takesSubstitutes) return refusal;
  const others = (work.item(sku)?.equivalentSkus ?? [])
    .slice(0, EQUIVALENTS_TRIED_MAX)
    .filter((other) => other !== sku);
  if (others.length === 0) return refusal;
  return { ...refusal, metadata: { ...refusal.metadata, alternatives: others.join(', ') } };
}

/** Every item that may be held for the lines, each once, those that are asked for first. */
export function heldSkusOf(lines: readonly Pick<RequestedLine, 'sku' | 'substitutes'>[]): string[] {
  return [...new Set([...lines.map((line) => line.sku), ...lines.flatMap((line) => line.substitutes ?? [])])];
}

/**
 * How the lines go down the ladder of the rules in force.
 * @param lines with the items that may be held instead
 * @param replaced the reservation whose held units are given back in the same change, or null
 */
export function ladderTerms(
  work: WorkingSet,
  wishes: ShortfallWishes,
  channel: string,
  lines: readonly RequestedLine[],
  replaced: Reservation | null,
) {
  const { partial, waits, takesSubstitutes } = descend(work.rules.ladder, wishes);
  const room = takesSubstitutes ? { room: roomFor(work, channel, lines, replaced) } : {};
  return { partial, waits, ...room };
}

/**
 * Units of an item that may be taken as substitutes, beside what lines ask of it themselves: what exchanges may hold of it
 * at most counts for substitutes too, as does how many serial units one request may ask for.
 */
function roomFor(
  work: WorkingSet,
  channel: string,
  lines: readonly RequestedLine[],
  replaced: Reservation | null,
): (sku: string) => number {
  const known = new Map<string, number>();
  const roomOf = (sku: string): number => {
    const asked = requestedUnits(lines.filter((line) => line.sku === sku));
    const maximum = channel === SALE_CHANNEL ? 0 : maximumOf(work, sku);
    const given = replaced?.lines.filter((line) => line.sku === sku) ?? [];
    const back = given.reduce((sum, line) => sum + reservedUnits(line), 0);
    const allowed = maximum === 0 ? Number.POSITIVE_INFINITY : maximum - heldByExchanges(work.pools, sku) + back;
    const askable = work.isSerial(sku) ? UNITS_ASKED_MAX : Number.POSITIVE_INFINITY;
    return Math.min(Math.max(allowed, back), askable) - asked;
  };
  return (sku) => {
    const room = known.get(sku) ?? roomOf(sku);
    known.set(sku, room);
    return room;
  };
}
