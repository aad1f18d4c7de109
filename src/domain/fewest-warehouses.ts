import type { LineDemand, Placement, SourcingRequest, SourcingResult, Warehouse } from './sourcing.ts';

/**
 * Lines placed at warehouses while looking for the fewest, about 0.1 µs each. Up to here no smaller set is overlooked;
 * beyond it, as with ten lines and more than ten warehouses that could serve, the fewest seen so far are taken.
 */
export const FEWEST_STEPS_MAX = 10_000;

/** What looking for the fewest warehouses needs of sourcing. */
interface Placing {
  readonly request: SourcingRequest;
  /** Places all lines in order at the warehouses of a request. */
  place(request: SourcingRequest): SourcingResult;
  /** Units of a line's item that the asker may have in a warehouse. */
  unitsAt(demand: LineDemand, warehouse: Warehouse): number;
}

/**
 * Places the lines so that the fewest warehouses take part, and as many units as with all of them. Of equally small sets
 * the first in the order of the warehouses is taken.
 */
export function placeAtFewest({ request, place, unitsAt }: Placing): SourcingResult {
  const known = [place(request), place({ ...request, strategy: 'MOST_AVAILABLE' })];
  const [best, other] = known.map(placementsOf).sort((a, b) => units(b) - units(a) || codes(a).size - codes(b).size);
  if (best === undefined || other === undefined || best.length === 0) return place(request);
  const goal = units(best);
  const pinned = request.demands.filter((demand) => demand.warehouse !== '').map((demand) => demand.lineNumber);
  const required = codes(best.filter((one) => pinned.includes(one.lineNumber)));
  const candidates = request.warehouses.filter(
    (warehouse) => !required.has(warehouse.code) && request.demands.some((demand) => unitsAt(demand, warehouse) > 0),
  );
  const always = request.warehouses.filter((warehouse) => required.has(warehouse.code));
  let steps = 0;
  for (let size = fewestPossible(best, request, unitsAt); size <= codes(best).size; size += 1) {
    for (const chosen of setsOf(candidates, size - always.length)) {
      steps += size * request.demands.length;
      if (steps > FEWEST_STEPS_MAX) return { placements: best };
      const codesOfSet = new Set([...always, ...chosen].map((warehouse) => warehouse.code));
      const warehouses = request.warehouses.filter((warehouse) => codesOfSet.has(warehouse.code));
      const placed = placementsOf(place({ ...request, warehouses }));
      if (units(placed) >= goal) return { placements: placed };
    }
  }
  return { placements: best };
}

/** No set is smaller than what the item that is hardest to gather needs by itself. */
function fewestPossible(
  best: readonly Placement[],
  { warehouses, demands }: SourcingRequest,
  unitsAt: Placing['unitsAt'],
) {
  let fewest = 1;
  for (const sku of new Set(best.map((one) => one.sku))) {
    const demand = demands.find((one) => one.sku === sku);
    if (demand === undefined) continue;
    const offers = warehouses
      .map((warehouse) => unitsAt({ ...demand, warehouse: '' }, warehouse))
      .sort((a, b) => b - a);
    let missing = units(best.filter((one) => one.sku === sku));
    const needed = offers.findIndex((offer) => {
      missing -= offer;
      return missing <= 0;
    });
    fewest = Math.max(fewest, needed + 1);
  }
  return fewest;
}

function placementsOf(result: SourcingResult): readonly Placement[] {
  return 'refusal' in result ? [] : result.placements;
}

function units(placements: readonly Placement[]): number {
  return placements.reduce((sum, one) => sum + one.quantity, 0);
}

function codes(placements: readonly Placement[]): Set<string> {
  return new Set(placements.map((one) => one.warehouse));
}

/** Every set of so many of the warehouses, in their order; none where the size is negative. */
function* setsOf(warehouses: readonly Warehouse[], size: number, from = 0): Generator<readonly Warehouse[]> {
  if (size === 0) yield [];
  if (size <= 0) return;
  for (let at = from; at <= warehouses.length - size; at += 1) {
    const first = warehouses[at];
    if (first === undefined) return;
    for (const rest of setsOf(warehouses, size - 1, at + 1)) yield [first, ...rest];
  }
}
