import { heldSkusOf } from './equivalents.ts';
import { descend } from './ladder.ts';
import type { PastCase, PastRequest } from './past-case.ts';
import { poolRulesOf, type SafetyStock } from './pool-rules.ts';
import type { Refusal } from './refusal.ts';
import { EXCHANGE_MAXIMUM, servingWarehouses, toDemands } from './requested-line.ts';
import { type Rules, ruleLimit } from './rules.ts';
import { SEEN_POOLS_MAX, type SeenPool } from './seen-pools.ts';
import { type Placement, type SourcingResult, source, type Warehouse } from './sourcing.ts';
import { poolKey, SALE_CHANNEL, type StockLevel } from './stock-level.ts';

/** Where a past request would have been served from: what nobody saw may have held nothing or everything. */
export interface PastSourcing {
  readonly least: SourcingResult;
  readonly most: SourcingResult;
  /**
   * Whether the order in which warehouses are asked is known; where it is lost, whether it could decide more than from
   * where the units come.
   */
  readonly order: 'known' | 'lost' | 'decides';
}

/** More units than any request asks for. */
const UNITS_MAX = 1_000_000_000;

/** Only where least and most come to the same is it known. */
export function sourcePast(
  rules: Rules,
  request: PastRequest,
  seen: readonly SeenPool[],
  past: Rules | null,
  warehouses: readonly Warehouse[],
): PastSourcing {
  const serving = servingWarehouses(rules, warehouses, request.channel, request.destination);
  const isAllKnown = past !== null && seen.length < SEEN_POOLS_MAX;
  const wereAsked = isAllKnown
    ? servingWarehouses(past, warehouses, request.channel, request.destination).map(({ code }) => code)
    : [];
  const seenKeys = new Set(seen.map(([sku, code]) => poolKey(sku, code)));
  const unseen = serving
    .filter(({ code }) => !wereAsked.includes(code))
    .flatMap(({ code }) => heldSkusOf(request.lines).map((sku): SeenPool => [sku, code, UNITS_MAX, 0]))
    .filter(([sku, code]) => !seenKeys.has(poolKey(sku, code)));
  const bounds = seen.map((pool) => ({ pool, ...availableBy(rules, past, request.channel === SALE_CHANNEL, pool) }));
  const least = bounds.map(({ pool, least: units }) => levelOf(pool, units));
  const most = [...bounds.map((one) => levelOf(one.pool, one.most)), ...unseen.map((pool) => levelOf(pool, pool[2]))];
  const { partial, waits, takesSubstitutes, firstOnly } = descend(rules.ladder, request);
  // What exchanges held then of what might have been a substitute is not known.
  const isUnlimited = (sku: string) =>
    request.channel === SALE_CHANNEL || rules.exchangePools.length === 0 || poolRulesOf(rules).maximumOf(sku) === 0;
  const sourceFrom = (levels: readonly StockLevel[], room: number) =>
    source({
      demands: toDemands(request.lines, 1),
      pools: new Map(levels.map((level) => [poolKey(level.sku, level.warehouse), level])),
      warehouses: serving,
      strategy: rules.sourcing,
      splitAllowed: rules.splitAllowed,
      partial,
      waits,
      firstOnly,
      ...(takesSubstitutes && { room: (sku) => (isUnlimited(sku) ? UNITS_MAX : room) }),
      forSale: request.channel === SALE_CHANNEL,
    });
  const substitutes = takesSubstitutes ? request.lines.flatMap((line) => line.substitutes ?? []) : [];
  const atLeast = sourceFrom(least, 0);
  const isExact =
    unseen.length === 0 && bounds.every((one) => one.least === one.most) && substitutes.every(isUnlimited);
  const atMost = isExact ? atLeast : sourceFrom(most, UNITS_MAX);
  return { least: atLeast, most: atMost, order: orderOf(rules, request, serving) };
}

const NOTHING_KEPT: Pick<SafetyStock, 'units' | 'percent'> = { units: 0, percent: 0 };

/**
 * What would have been available of a pool by other rules. Of a decision only the units are kept that were available by
 * the rules of the time: other units of safety stock move them, but nobody knows of how many they would be a percentage,
 * how many are behind a 0, or how many exchanges held.
 */
function availableBy(
  rules: Rules,
  past: Rules | null,
  forSale: boolean,
  [sku, warehouse, available]: SeenPool,
): { readonly least: number; readonly most: number } {
  const anything = { least: 0, most: UNITS_MAX };
  if (past === null) return anything;
  const [after, before] = [poolRulesOf(rules), poolRulesOf(past)];
  const { units, percent } = after.safetyRuleOf(sku, warehouse) ?? NOTHING_KEPT;
  const kept = before.safetyRuleOf(sku, warehouse) ?? NOTHING_KEPT;
  const [minimum, keptMinimum] = forSale ? [after.minimumOf(sku), before.minimumOf(sku)] : [0, 0];
  if (minimum !== keptMinimum) return anything;
  if (units === kept.units && percent === kept.percent) {
    // The minimum is shared out over all pools of the item: what one of them keeps for itself tells on the others.
    return minimum === 0 || isSameEverywhere(rules, past) ? { least: available, most: available } : anything;
  }
  if (percent > 0 || kept.percent > 0 || minimum > 0) return anything;
  const moved = Math.max(0, available + kept.units - units);
  return { least: available === 0 ? 0 : moved, most: moved };
}

function isSameEverywhere(rules: Rules, past: Rules): boolean {
  return JSON.stringify(rules.safetyStocks) === JSON.stringify(past.safetyStocks);
}

/** The nearest warehouse of one line serves no more than another; lines of one item take from each other. */
function orderOf(rules: Rules, request: PastRequest, serving: readonly Warehouse[]): PastSourcing['order'] {
  const { lost, lines, destination } = request;
  const isKnown = rules.sourcing !== 'NEAREST' || !lost.includes('postal_code') || destination.countryCode === '';
  if (isKnown || serving.length < 2) return 'known';
  return new Set(lines.map(({ sku }) => sku)).size < lines.length ? 'decides' : 'lost';
}

/** Whether some unit of the request would have waited for stock. */
export function waitsBy(
  { ladder }: Rules,
  { lines, ...request }: PastRequest,
  placements: readonly Placement[],
): boolean {
  const sum = (parts: readonly { readonly quantity: number }[]) =>
    parts.reduce((total, one) => total + one.quantity, 0);
  return descend(ladder, request).waits && sum(placements) < sum(lines);
}

/** Limits of the hold window are looked at after what exchanges hold. */
const LATER_LIMITS: readonly (string | undefined)[] = ['min_hold_window_ms', 'max_hold_window_ms'];

/**
 * Whether exchanges might have held more of an item than they may. What they held then is told by the refusal alone; that
 * it was within the limit of the time is told by whatever was decided after that was looked at.
 */
export function checkPastMaximum(
  rules: Rules,
  request: PastRequest,
  was: PastCase['was'],
  past: Rules | null,
): Refusal | { readonly missing: string } | null {
  if (request.channel === SALE_CHANNEL || rules.exchangePools.length === 0) return null;
  let missing: { readonly missing: string } | null = null;
  for (const sku of new Set(request.lines.map((line) => line.sku))) {
    const maximum = poolRulesOf(rules).maximumOf(sku);
    if (maximum === 0) continue;
    const lines = request.lines.filter((line) => line.sku === sku);
    const told = toldBy(was, sku);
    const after = told ?? lines.reduce((sum, line) => sum + line.quantity, 0);
    if (after > maximum) return ruleLimit(EXCHANGE_MAXIMUM, maximum, after, rules.version, { sku });
    const limit = past === null ? 0 : poolRulesOf(past).maximumOf(sku);
    const wasWithin = limit > 0 && limit <= maximum && wasLookedAt(was);
    if (told === null && !wasWithin) missing = { missing: 'nobody knows what exchanges held then' };
  }
  return missing;
}

/** What exchanges would have held of an item, where it was refused for that. */
function toldBy(was: PastCase['was'], sku: string): number | null {
  if (was.accepted) return null;
  const { limit, sku: ofSku, asked } = was.refusal.metadata;
  return limit === EXCHANGE_MAXIMUM && ofSku === sku ? Number(asked) : null;
}

function wasLookedAt(was: PastCase['was']): boolean {
  if (was.accepted) return true;
  const { reason, metadata } = was.refusal;
  return reason === 'NO_STOCK' || (reason === 'RULE_LIMIT' && LATER_LIMITS.includes(metadata.limit));
}

function levelOf([sku, warehouse, , version]: SeenPool, available: number): StockLevel {
  const nothing = { reserved: 0, saleReserved: 0, unavailable: 0, committed: 0, safetyStock: 0, exchangeMinimum: 0 };
  return {
    ...nothing,
    lowThreshold: 0,
    ruleVersion: 0,
    sku,
    warehouse,
    onHand: available,
    version,
    changedAt: 0,
    countedAt: 0,
  };
}
