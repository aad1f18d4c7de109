import type { Reservation, ReservationLine } from './reservation.ts';
import type { Rules } from './rules.ts';
import type { SeenPool } from './seen-pools.ts';

/** One step of a decision, with the numbers seen at that instant. */
export interface ExplainedStep {
  readonly step: 'eligibility' | 'strategy' | 'sourcing' | 'deadline' | 'pick' | 'shortage' | 're-source';
  readonly sku: string;
  readonly warehouse: string;
  /** Units available before the step; 0 where it has no pool. */
  readonly available: number;
  /** Version of the pool; 0 where the step has none. */
  readonly version: number;
  readonly outcome: string;
}

export const NO_POOL = { sku: '', warehouse: '', available: 0, version: 0 };

/**
 * Why a reservation was made as it was: by which rules, from which warehouses, for how long.
 * @param made the reservation as it was made
 * @param seen the pools as its decision saw them, in the order they were asked
 * @param rules the version it was decided by
 */
export function explain(made: Reservation, seen: readonly SeenPool[], rules: Rules): ExplainedStep[] {
  const taken = new Map<string, number>();
  const seconds = (made.expireAt - made.createdAt) / 1_000;
  return [
    { ...NO_POOL, step: 'eligibility', outcome: `allowed by version ${made.ruleVersion} of the rules` },
    { ...NO_POOL, step: 'strategy', outcome: explainStrategy(rules) },
    ...made.lines.flatMap((line) => explainLine(line, seen, taken)),
    {
      ...NO_POOL,
      step: 'deadline',
      outcome: `${made.state === 'WAITLISTED' ? 'waits' : 'held'} until ${new Date(made.expireAt).toISOString()}, ${seconds} s after it was made`,
    },
    ...explainPick(made, rules),
  ];
}

/** Nothing where the rules ask for the pick at once. */
function explainPick({ pickAwaits }: Reservation, { pickOn }: Rules): ExplainedStep[] {
  if (pickOn === null) return [];
  const isAwaited = pickAwaits !== undefined;
  const outcome = isAwaited ? `awaits ${pickOn}: no pick was asked for` : `${pickOn} was reported before`;
  return [{ ...NO_POOL, step: 'pick', outcome }];
}

const STRATEGIES: Readonly<Record<Rules['sourcing'], string>> = {
  PRIORITY: 'the first in order of priority that has a line whole',
  NEAREST: 'the nearest to the destination that has a line whole, in order of priority where none is nearer',
  MOST_AVAILABLE: 'for each line where most of it is available, then in order of priority',
  FEWEST_SPLITS: 'the fewest that have all lines, the first such set in order of priority',
};

function explainStrategy({ sourcing, splitAllowed }: Rules): string {
  const split = splitAllowed ? 'a line that none has whole is split' : 'no line is split';
  return `warehouses chosen by ${sourcing}: ${STRATEGIES[sourcing]}; ${split}`;
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
