import type { BenchCase } from './options.ts';

/** What one round on one side showed. Times per reservation are in microseconds. */
export interface RoundFigures {
  /** Reservations per second. */
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuUs: number;
  readonly postgresCpuUs: number;
  /** Zero for a side that publishes nothing. */
  readonly natsCpuUs: number;
  readonly generatorCpuUs: number;
  /** How long the relay went on publishing after the last call; 0 for a side without one. */
  readonly publishLagMs: number;
}

export interface SideFigures extends RoundFigures {
  /** The throughput of each round, in the order they ran. */
  readonly throughputs: readonly number[];
}

export interface CaseFigures {
  readonly case: BenchCase;
  /** The median of the rounds for each figure. */
  readonly service: SideFigures;
  readonly peer: SideFigures;
  /** Throughput of the service divided by that of the peer. */
  readonly ratio: number;
  /** Null where the case has no target. */
  readonly isMet: boolean | null;
}

export function summarize(
  benchCase: BenchCase,
  service: readonly RoundFigures[],
  peer: readonly RoundFigures[],
): CaseFigures {
  const figures = { service: medians(service), peer: medians(peer) };
  const ratio = figures.service.throughput / figures.peer.throughput;
  const isMet = benchCase.target === null ? null : ratio >= benchCase.target;
  return { case: benchCase, ...figures, ratio, isMet };
}

function medians(rounds: readonly RoundFigures[]): SideFigures {
  const of = (pick: (round: RoundFigures) => number) => median(rounds.map(pick));
  return {
    throughput: of((round) => round.throughput),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    serverCpuUs: of((round) => round.serverCpuUs),
    postgresCpuUs: of((round) => round.postgresCpuUs),
    natsCpuUs: of((round) => round.natsCpuUs),
    generatorCpuUs: of((round) => round.generatorCpuUs),
    publishLagMs: of((round) => round.publishLagMs),
    throughputs: rounds.map((round) => round.throughput),
  };
}

/** The middle value, or the mean of the middle two. @throws RangeError where there is none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('there is no median of nothing');
  return (upper + lower) / 2;
}
