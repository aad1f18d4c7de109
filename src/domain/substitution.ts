import type { LineDemand, Placement, SourcingRequest } from './sourcing.ts';

/**
 * What a line may ask for instead, best first, as far as others do not serve others already.
 * @param placements what is placed so far
 */
export function substitutesFor(
  { room }: SourcingRequest,
  demand: LineDemand,
  placements: readonly Placement[],
): LineDemand[] {
  return (demand.substitutes ?? []).flatMap((sku) => {
    const others = placements.filter((one) => one.sku === sku && one.substitutedFor !== undefined);
    const units = others.reduce((sum, one) => sum + one.quantity, demand.quantity);
    return units <= (room?.(sku) ?? 0) ? [{ ...demand, sku, substitutedFor: demand.sku }] : [];
  });
}

/**
 * The request with each line asking for what serves it, those that are served by what they ask for first. Where any is
 * served by another item, all are to be served whole.
 */
export function chosenItems(
  { room: _, ...request }: SourcingRequest,
  placements: readonly Placement[],
): SourcingRequest {
  const others = placements.filter((one) => one.substitutedFor !== undefined);
  if (others.length === 0) return request;
  const instead = new Map(others.map(({ lineNumber, sku }) => [lineNumber, sku]));
  const isKept = ({ lineNumber }: LineDemand) => !instead.has(lineNumber);
  const changed = request.demands.flatMap((demand) => {
    const sku = instead.get(demand.lineNumber);
    return sku === undefined ? [] : [{ ...demand, sku, substitutedFor: demand.sku }];
  });
  return { ...request, partial: false, demands: [...request.demands.filter(isKept), ...changed] };
}
