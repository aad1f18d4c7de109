import { type HistoryReport, runHistory } from './history.ts';
import { openWorld, vacuum } from './world.ts';

/** Histories after which emptied tables are vacuumed. */
const VACUUM_EVERY = 20;

/** Failed histories after which a run stops: enough to see a pattern. */
const FAILURES_MAX = 5;

export interface SimulationReport {
  readonly histories: number;
  readonly steps: number;
  readonly commands: number;
  readonly reordered: number;
  readonly retries: number;
  readonly durationMs: number;
  /** One text for each failed history: its seed, what differed, its steps. */
  readonly failures: readonly string[];
}

/**
 * Runs the histories of the seeds, sharing them out over the databases, which must be migrated and empty.
 * @param databaseUrls one lane each; lanes run side by side
 */
export async function runHistories(
  databaseUrls: readonly string[],
  seeds: readonly number[],
): Promise<SimulationReport> {
  const startedAt = performance.now();
  const waiting = [...seeds];
  const reports: HistoryReport[] = [];
  const failures: string[] = [];
  const lane = async (url: string) => {
    const world = await openWorld(url);
    try {
      for (let run = 1; ; run += 1) {
        const seed = waiting.shift();
        if (seed === undefined || failures.length >= FAILURES_MAX) return;
        await runHistory(world, seed).then(
          (report) => reports.push(report),
          (error: unknown) => failures.push(error instanceof Error ? error.message : String(error)),
        );
        if (run % VACUUM_EVERY === 0) await vacuum(world);
      }
    } finally {
      await world.close();
    }
  };
  await Promise.all(databaseUrls.map(lane));
  const total = (pick: (report: HistoryReport) => number) => reports.reduce((sum, report) => sum + pick(report), 0);
  return {
    histories: reports.length + failures.length,
    steps: total((report) => report.steps),
    commands: total((report) => report.commands),
    reordered: total((report) => report.reordered),
    retries: total((report) => report.retries),
    durationMs: Math.round(performance.now() - startedAt),
    failures,
  };
}

/** The seeds of a run: `count` of them from 1 or another first one, so that a run can be done in parts; or the one to look into. */
export function seedsFrom(environment: NodeJS.ProcessEnv, count: number): number[] {
  const only = environment.EARMARK_SEED_ONLY;
  if (only !== undefined && only !== '') return [Number.parseInt(only, 10)];
  const asked = Number.parseInt(environment.EARMARK_HISTORIES ?? '', 10);
  const first = Number.parseInt(environment.EARMARK_FIRST_SEED ?? '1', 10);
  return Array.from({ length: Number.isNaN(asked) ? count : asked }, (_, at) => first + at);
}
