/** Figures over a set of durations in milliseconds; all 0 where there are none. */
export interface DurationFigures {
  readonly count: number;
  /** The arithmetic mean, rounded to whole milliseconds. */
  readonly averageMs: number;
  /** The shortest of them that half, 90 or 99 percent are not longer than. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

/** @param durations in milliseconds, 0 or more, in any order */
export function figuresOf(durations: readonly number[]): DurationFigures {
  const sorted = Float64Array.from(durations).sort();
  const count = sorted.length;
  if (count === 0) return { count, averageMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0 };
  // In whole percents, for 0.9 times 10 is more than 9.
  const rank = (percent: number) => sorted[Math.ceil((percent * count) / 100) - 1] ?? 0;
  const averageMs = Math.round(sorted.reduce((sum, ms) => sum + ms, 0) / count);
  return { count, averageMs, p50Ms: rank(50), p90Ms: rank(90), p99Ms: rank(99) };
}
