/** One way to load a server. */
export interface BenchCase {
  readonly name: string;
  /** 0 for unary Reserve, else the requests in each BatchReserve. */
  readonly batchSize: number;
  /** Calls in flight. */
  readonly callers: number;
  readonly isHot: boolean;
  /** The ratio of throughputs to reach, or null where none was set. */
  readonly target: number | null;
}

export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  /** SKUs of the spread load. */
  readonly skuCount: number;
  /** Measurements of each case on each side. */
  readonly rounds: number;
  readonly leadInMs: number;
  readonly measureMs: number;
  /** Load on each side before anything is measured, in milliseconds. */
  readonly warmUpMs: number;
}

/** Requests in each BatchReserve, and such calls in flight. */
const BATCH_SIZE = 100;
const BATCH_CALLERS = 4;

const SKU_COUNT = 10_000;

function unary(callers: number, isHot: boolean, target: number | null): BenchCase {
  return { name: `Reserve, ${callers} in flight`, batchSize: 0, callers, isHot, target };
}

function batch(batchSize: number, isHot: boolean, target: number | null): BenchCase {
  return {
    name: `BatchReserve of ${batchSize}, ${BATCH_CALLERS} in flight`,
    batchSize,
    callers: BATCH_CALLERS,
    isHot,
    target,
  };
}

const CASES: readonly BenchCase[] = [
  unary(1, false, null),
  unary(64, false, 2),
  unary(256, false, null),
  unary(1, true, null),
  unary(64, true, 4),
  unary(256, true, null),
  batch(BATCH_SIZE, false, 5),
  batch(BATCH_SIZE, true, 5),
];

/** About seven minutes on two cores. */
export const QUICK: BenchOptions = {
  cases: CASES,
  skuCount: SKU_COUNT,
  rounds: 3,
  leadInMs: 300,
  measureMs: 2_000,
  warmUpMs: 6_000,
};

/** Longer rounds, for figures to quote. */
export const FULL: BenchOptions = { ...QUICK, rounds: 5, leadInMs: 1_000, measureMs: 8_000, warmUpMs: 10_000 };

/** Says whether everything fits together; its figures mean nothing. */
export const TINY: BenchOptions = {
  cases: [unary(8, false, null), unary(8, true, null), batch(10, false, null)],
  skuCount: 100,
  rounds: 1,
  leadInMs: 50,
  measureMs: 200,
  warmUpMs: 100,
};

/** The SKU of one round of one hot case: each round has its own, so that none starts with the rows of another. */
export function hotSku(caseIndex: number, round: number): string {
  return `HOT-${caseIndex}-${round}`;
}

/** Every hot SKU of a run. */
export function hotSkus({ cases, rounds }: BenchOptions): string[] {
  return cases.flatMap((each, index) =>
    each.isHot ? Array.from({ length: rounds }, (_none, round) => hotSku(index, round)) : [],
  );
}
