import { setTimeout as sleep } from 'node:timers/promises';
import { countReservations, type LedgerVerdict, sumReserved, verifyLedger, waitUntilPublished } from './checks.ts';
import { type CaseFigures, type RoundFigures, summarize } from './figures.ts';
import type { Load, LoadResult } from './load/run-load.ts';
import { type BenchCase, type BenchOptions, hotSku } from './options.ts';
import { cpuOfMachine, cpuOfTrees } from './process-cpu.ts';
import { type Side, type Stand, startStand } from './stand.ts';

/** How much longer than its own time a load may take, in milliseconds. */
const LOAD_SLACK_MS = 30_000;
const SINK_MAX_MS = 5_000;

/** How long spans may be on their way after all is done, in milliseconds: the exporter sends every five seconds. */
const EXPORT_MAX_MS = 15_000;

const EXPORT_POLL_MS = 100;

/** Numbers between the first ids of two loads, so that no two loads share an id. */
const IDS_PER_LOAD = 100_000_000;

/** What the answers said, and what the database holds; the three numbers of a side must be equal. */
export interface SideCounts {
  readonly accepted: number;
  readonly reservationRows: number;
  readonly reservedUnits: number;
}

export interface BenchOutcome {
  readonly cases: readonly CaseFigures[];
  readonly service: SideCounts;
  readonly peer: SideCounts;
  readonly ledger: LedgerVerdict;
  /** Spans that arrived at the receiver. */
  readonly spans: number;
  /** Cores that processes foreign to the benchmark kept busy during the rounds, on average. */
  readonly foreignCores: number;
  readonly postgresVersion: string;
}

export interface BenchHooks {
  /** Told of every finished round. */
  readonly onProgress: (text: string) => void;
  /** Arguments for the service's Node, such as `--cpu-prof`. */
  readonly serviceNodeArguments: readonly string[];
}

/**
 * Starts everything, loads both sides in turn, and proves afterwards that what was answered is what is stored.
 * @throws Error where a part fails or calls are refused
 */
export async function runBenchmark(options: BenchOptions, hooks: BenchHooks): Promise<BenchOutcome> {
  const stand = await startStand(options, hooks.serviceNodeArguments);
  try {
    const run = new Run(stand, options);
    hooks.onProgress('warming up');
    await run.warmUp();
    const foreignCores = run.watchForeignCores();
    const cases: CaseFigures[] = [];
    for (const [index, benchCase] of options.cases.entries()) {
      const rounds: { service: RoundFigures[]; peer: RoundFigures[] } = { service: [], peer: [] };
      for (let round = 0; round < options.rounds; round += 1) {
        for (const side of [stand.service, stand.peer]) {
          rounds[side.name].push(await run.round(side, benchCase, index, round));
        }
      }
      const figures = summarize(benchCase, rounds.service, rounds.peer);
      hooks.onProgress(
        `${benchCase.name}, ${benchCase.isHot ? 'hot' : 'spread'}: ${figures.ratio.toFixed(2)} times the peer`,
      );
      cases.push(figures);
    }
    hooks.onProgress('proving the ledger');
    const noise = foreignCores();
    return { cases, ...(await run.prove()), foreignCores: noise, postgresVersion: stand.postgresVersion };
  } finally {
    await stand.stop();
  }
}

class Run {
  readonly #stand: Stand;
  readonly #options: BenchOptions;
  readonly #accepted = { service: 0, peer: 0 };
  #loads = 0;

  constructor(stand: Stand, options: BenchOptions) {
    this.#stand = stand;
    this.#options = options;
  }

  /** Lets both sides compile, connect and prepare what they need, by every method that is measured. */
  async warmUp(): Promise<void> {
    const { cases, warmUpMs, skuCount } = this.#options;
    for (const side of [this.#stand.service, this.#stand.peer]) {
      for (const batchSize of new Set(cases.map((each) => each.batchSize))) {
        await this.#load(side, {
          batchSize,
          callers: batchSize === 0 ? 16 : 2,
          skus: { kind: 'spread', count: skuCount },
          leadInMs: 0,
          measureMs: warmUpMs,
          seed: 0,
        });
      }
    }
    await waitUntilPublished(this.#stand.service.database);
  }

  /** Starts to watch what others do on the machine; the answer says how many cores they have used since. */
  watchForeignCores(): () => number {
    const { postgresPid, natsPid } = this.#stand;
    const foreignUs = () => cpuOfMachine() - cpuOfTrees(process.pid, postgresPid, natsPid);
    const before = { atMs: performance.now(), us: foreignUs() };
    return () => Math.max(0, (foreignUs() - before.us) / 1_000 / (performance.now() - before.atMs));
  }

  /** One measurement. CPU time is taken until the relay has published everything, so that no work is left uncounted. */
  async round(side: Side, benchCase: BenchCase, caseIndex: number, round: number): Promise<RoundFigures> {
    await side.database.query('checkpoint');
    const before = this.#cpuTimes(side);
    const result = await this.#load(side, {
      batchSize: benchCase.batchSize,
      callers: benchCase.callers,
      skus: benchCase.isHot
        ? { kind: 'hot', sku: hotSku(caseIndex, round) }
        : { kind: 'spread', count: this.#options.skuCount },
      leadInMs: this.#options.leadInMs,
      measureMs: this.#options.measureMs,
      seed: round + 1,
    });
    const endedAt = performance.now();
    if (side.name === 'service') await waitUntilPublished(side.database);
    const publishLagMs = performance.now() - endedAt;
    const after = this.#cpuTimes(side);
    const perReservation = (us: number) => us / Math.max(1, result.acceptedInAll);
    return {
      throughput: result.accepted / (result.measuredMs / 1_000),
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      serverCpuUs: perReservation(after.server - before.server),
      postgresCpuUs: perReservation(after.postgres - before.postgres),
      natsCpuUs: side.name === 'service' ? perReservation(after.nats - before.nats) : 0,
      generatorCpuUs: result.cpuUs / Math.max(1, result.accepted),
      publishLagMs,
    };
  }

  /** Compares what was answered with what is stored. */
  async prove() {
    const { service, peer, serviceClient } = this.#stand;
    const counts = async (side: Side, poolTable: 'stock_pool' | 'pool'): Promise<SideCounts> => ({
      accepted: this.#accepted[side.name],
      reservationRows: await countReservations(side.database),
      reservedUnits: await sumReserved(side.database, poolTable),
    });
    const spans = await this.#exportedSpans(this.#accepted.service);
    return {
      service: await counts(service, 'stock_pool'),
      peer: await counts(peer, 'pool'),
      ledger: await verifyLedger(serviceClient),
      spans,
    };
  }

  /** Counted once every reservation may have its span, or as they are when the time for that is over. */
  async #exportedSpans(expected: number): Promise<number> {
    const giveUpAt = performance.now() + EXPORT_MAX_MS;
    for (;;) {
      const { spans } = await this.#stand.sink.ask<{ spans: number }>({}, SINK_MAX_MS);
      if (spans >= expected || performance.now() >= giveUpAt) return spans;
      await sleep(EXPORT_POLL_MS);
    }
  }

  #cpuTimes(side: Side) {
    const { postgresPid, natsPid } = this.#stand;
    return { server: cpuOfTrees(side.pid), postgres: cpuOfTrees(postgresPid), nats: cpuOfTrees(natsPid) };
  }

  async #load(side: Side, shape: Omit<Load, 'port' | 'firstId'>): Promise<LoadResult> {
    const load: Load = { ...shape, port: side.grpcPort, firstId: this.#loads * IDS_PER_LOAD };
    this.#loads += 1;
    const timeoutMs = load.leadInMs + load.measureMs + LOAD_SLACK_MS;
    const { result } = await this.#stand.generator.ask<{ result: LoadResult }>(load, timeoutMs);
    if (result.acceptedInAll !== result.requestsInAll) {
      const refused = result.requestsInAll - result.acceptedInAll;
      throw new Error(`the ${side.name} did not accept ${refused} of ${result.requestsInAll} requests`);
    }
    this.#accepted[side.name] += result.acceptedInAll;
    return result;
  }
}
