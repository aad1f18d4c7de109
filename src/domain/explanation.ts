import type { Reservation, ReservationLine } from './reservation.ts';
import type { SeenPool } from './seen-pools.ts';

/** One step of a decision, with the numbers seen at that instant. */
export interface ExplainedStep {
  readonly step: 'eligibility' | 'sourcing' | 'deadline';
  readonly sku: string;
  readonly warehouse: string;
  /** Units available before the step; 0 where it has no pool. */
  readonly available: number;
  /** Version of the pool; 0 where the step has none. */
  readonly version: number;
  readonly outcome: string;
}

const NO_POOL = { sku: '', warehouse: '', available: 0, version: 0 };

/**
 * Why a reservation was made as it was: by which rules, from which warehouses, for how long.
 * @param made the reservation as it was made
 * @param seen the pools as its decision saw them, in the order they were asked
 */
export function explain(made: Reservation, seen: readonly SeenPool[]): ExplainedStep[] {
  const taken = new Map<string, number>();
  const seconds = (made.expireAt - made.createdAt) / 1_000;
  return [
    { ...NO_POOL, step: 'eligibility', outcome: `allowed by version ${made.ruleVersion} of the rules` },
    ...made.lines.flatMap((line) => explainLine(line, seen, taken)),
    {
      ...NO_POOL,
      step: 'deadline',
      outcome: `${made.state === 'WAITLISTED' ? 'waits' : 'held'} until ${new Date(made.expireAt).toISOString()}, ${seconds} s after it was made`,
    },
  ];
}

/** Each pool the line could be served from, and those that served it though their numbers were not kept. */
function explainLine(line: ReservationLine, seen: readonly SeenPool[], taken: Map<string, number>): ExplainedStep[] {
  const { sku, lineNumber, quantity, allocations } = line;
  const asked = seen.filter((pool) => pool[0] === sku);
  const served = new Map(allocations.map(({ warehouse, reserved }) => [warehouse, reserved]));
  const steps = asked.map(([, warehouse, available, version]): ExplainedStep => {
    const key = `${sku}\u0000${warehouse}`;
    const left = available - (taken.get(key) ?? 0);
    const units = served.get(warehouse) ?? 0;
    taken.set(key, (taken.get(key) ?? 0) + units);
    served.delete(warehouse);
    const outcome = `line ${lineNumber} of ${quantity}: ${units > 0 ? `takes ${units}` : whyNot(left, quantity)}`;
    return { step: 'sourcing', sku, warehouse, available: left, version, outcome };
  });
  for (const [warehouse, units] of served) {
    const outcome = `line ${lineNumber} of ${quantity}: takes ${units}; the numbers seen were not kept`;
    steps.push({ ...NO_POOL, step: 'sourcing', sku, warehouse, outcome });
  }
  return steps;
}

function whyNot(left: number, quantity: number): string {
  if (left <= 0) return 'nothing available';
  return left < quantity ? 'not enough for the whole line' : 'not needed';
}
