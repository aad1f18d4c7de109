import type { AskedLine, KeptRequest } from './asked-request.ts';
import { descend, REFUND, type ShortfallWishes } from './ladder.ts';
import type { Refusal } from './refusal.ts';
import { type Reservation, type ReservationLine, reservedUnits } from './reservation.ts';
import type { Rules } from './rules.ts';
import type { SeenPool } from './seen-pools.ts';

/** One step of a decision, with the numbers seen at that instant. */
export interface ExplainedStep {
  readonly step:
    | 'eligibility'
    | 'strategy'
    | 'sourcing'
    | 'equivalent-sku'
    | 'waitlist'
    | 'suggest-refund'
    | 'deadline'
    | 'pick'
    | 'shortage'
    | 're-source';
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
 * @param asked what its request said beside; null where that was not kept
 */
export function explain(
  made: Reservation,
  seen: readonly SeenPool[],
  rules: Rules,
  asked: KeptRequest | null = null,
): ExplainedStep[] {
  const taken = new Map<string, number>();
  const seconds = (made.expireAt - made.createdAt) / 1_000;
  return [
    { ...NO_POOL, step: 'eligibility', outcome: `allowed by version ${made.ruleVersion} of the rules` },
    { ...NO_POOL, step: 'strategy', outcome: explainStrategy(rules) },
    ...made.lines.flatMap((line, at) => [
      ...explainLine(line, seen, taken),
      ...explainDescent(line, at, seen, rules, asked),
    ]),
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
  const { lineNumber, quantity, allocations, substitutedFor } = line;
  const sku = substitutedFor ?? line.sku;
  const asked = seen.filter((pool) => pool[0] === sku);
  const own = substitutedFor === undefined ? allocations : [];
  const served = new Map(own.map(({ warehouse, reserved }) => [warehouse, reserved]));
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

/** What was tried for a line that its own item could not serve whole. */
function explainDescent(
  line: ReservationLine,
  at: number,
  seen: readonly SeenPool[],
  rules: Rules,
  asked: KeptRequest | null,
): ExplainedStep[] {
  const { lineNumber, quantity, substitutedFor, waiting } = line;
  if (substitutedFor === undefined && reservedUnits(line) === quantity) return [];
  const about = `line ${lineNumber} of ${quantity}`;
  const wanted = { sku: substitutedFor ?? line.sku, quantity, substitutes: asked?.substitutes?.[at] ?? [] };
  const held = substitutedFor === undefined ? [] : line.allocations;
  const rest = waiting === undefined ? [] : [`${about}: waits for ${waiting.units}`];
  return [
    ...explainEquivalents(wanted, about, seen, held.length === 0 ? null : { sku: line.sku, held }, {
      ladder: rules.ladder,
      wishes: asked === null ? null : { partial: false, ...asked },
    }),
    ...rest.map((outcome): ExplainedStep => ({ ...NO_POOL, step: 'waitlist', sku: line.sku, outcome })),
  ];
}

/** Each pool of the equivalent items that were tried, up to the one that served; or why none was tried. */
function explainEquivalents(
  {
    sku,
    quantity,
    substitutes,
  }: { readonly sku: string; readonly quantity: number; readonly substitutes: readonly string[] },
  about: string,
  seen: readonly SeenPool[],
  chosen: { readonly sku: string; readonly held: ReservationLine['allocations'] } | null,
  { ladder, wishes }: { readonly ladder: Rules['ladder']; readonly wishes: ShortfallWishes | null },
): ExplainedStep[] {
  if (wishes === null || !descend(ladder, { ...wishes, acceptSubstitutes: true }).takesSubstitutes) return [];
  const none = (why: string): ExplainedStep[] => [
    { ...NO_POOL, step: 'equivalent-sku', sku, outcome: `${about}: ${why}` },
  ];
  if (wishes.acceptSubstitutes !== true) return none('not tried, since the customer accepts no substitutes');
  if (substitutes.length === 0) return none('there is no equivalent item');
  const tried = chosen === null ? substitutes : substitutes.slice(0, 1 + substitutes.indexOf(chosen.sku));
  return tried.flatMap((other) =>
    seen
      .filter((pool) => pool[0] === other)
      .map(([, warehouse, available, version]): ExplainedStep => {
        const units =
          chosen?.sku === other ? (chosen.held.find((part) => part.warehouse === warehouse)?.reserved ?? 0) : 0;
        const why = chosen?.sku !== other && available >= quantity ? 'not for this line' : whyNot(available, quantity);
        const outcome = `${about}, instead of ${sku}: ${units > 0 ? `takes ${units}` : why}`;
        return { step: 'equivalent-sku', sku: other, warehouse, available, version, outcome };
      }),
  );
}

/** A request that was refused for want of stock, as far as its record tells. */
export interface RefusedForStock extends ShortfallWishes {
  readonly lines: readonly AskedLine[];
  /** The pools as the decision saw them. */
  readonly seen: readonly SeenPool[];
  readonly refusal: Refusal;
}

/**
 * What was tried for each line of a request that was refused for want of stock.
 * @param rules the version it was decided by
 */
export function explainNoStock({ lines, seen, refusal, ...wishes }: RefusedForStock, rules: Rules): ExplainedStep[] {
  const { sku = '', suggestion } = refusal.metadata;
  const refund: ExplainedStep = { ...NO_POOL, step: 'suggest-refund', sku, outcome: 'a refund is suggested' };
  return [
    { ...NO_POOL, step: 'eligibility', outcome: `allowed by version ${rules.version} of the rules` },
    { ...NO_POOL, step: 'strategy', outcome: explainStrategy(rules) },
    ...lines.flatMap((line, at) => {
      const about = `line ${at + 1} of ${line.quantity}`;
      const wanted = { ...line, substitutes: line.substitutes ?? [] };
      const own = seen
        .filter(([pool, warehouse]) => pool === line.sku && ['', warehouse].includes(line.warehouse))
        .map(([, warehouse, available, version]): ExplainedStep => {
          const outcome = `${about}: ${available >= line.quantity ? 'enough for this line' : whyNot(available, line.quantity)}`;
          return { step: 'sourcing', sku: line.sku, warehouse, available, version, outcome };
        });
      const context = { ladder: rules.ladder, wishes };
      return [...own, ...explainEquivalents(wanted, about, seen, null, context)];
    }),
    ...(suggestion === REFUND ? [refund] : []),
  ];
}

function whyNot(left: number, quantity: number): string {
  if (left <= 0) return 'nothing available';
  return left < quantity ? 'not enough for the whole line' : 'not needed';
}
