import type { BenchOutcome } from './benchmark.ts';
import type { CaseFigures, SideFigures } from './figures.ts';

/** What a run leaves behind in `bench/results/bench.json`. */
export interface BenchReport extends BenchOutcome {
  readonly startedAt: string;
  /** Wall time of the run, in seconds. */
  readonly durationS: number;
  readonly commit: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
    readonly node: string;
    readonly loadAverageBefore: number;
  };
  readonly loadGenerator: string;
}

const HEAD = [
  '| load | SKUs | side | reservations/s | p50 ms | p99 ms | server µs | PostgreSQL µs | NATS µs | ratio | target |',
  '|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|',
];

/** The figures as a Markdown table: two lines a case. */
export function formatTable(cases: readonly CaseFigures[]): string {
  const rows = cases.flatMap((figures) => {
    const { name, isHot, target } = figures.case;
    const verdict = target === null ? '' : `≥ ${target}: ${figures.isMet === true ? 'met' : 'missed'}`;
    return [
      row([
        name,
        isHot ? 'hot' : 'spread',
        'Earmark',
        ...cells(figures.service),
        `${figures.ratio.toFixed(2)}×`,
        verdict,
      ]),
      row(['', '', 'peer', ...cells(figures.peer), '', '']),
    ];
  });
  return [...HEAD, ...rows].join('\n');
}

/** What the run proved besides its figures, in a few sentences. */
export function formatProof(outcome: BenchOutcome): string {
  const { service, peer, ledger, spans } = outcome;
  const lags = outcome.cases.map((figures) => figures.service.publishLagMs);
  const generator = outcome.cases.flatMap(({ service, peer }) => [service.generatorCpuUs, peer.generatorCpuUs]);
  return [
    `Earmark accepted ${count(service.accepted)} reservations and holds ${count(service.reservationRows)} rows and ${count(service.reservedUnits)} units;`,
    `the peer accepted ${count(peer.accepted)} and holds ${count(peer.reservationRows)} rows and ${count(peer.reservedUnits)} units.`,
    `VerifyLedger looked at ${count(ledger.reservationsChecked)} reservations and ${count(ledger.poolsChecked)} pools and found ${ledger.drifts} drifts.`,
    `${count(spans)} spans arrived at the trace receiver.`,
    `The relay had published everything at most ${(Math.max(...lags) / 1_000).toFixed(1)} s after the end of a round (median of a case).`,
    `Other processes of the machine kept ${outcome.foreignCores.toFixed(1)} cores busy meanwhile.`,
    `The load generator used at most ${Math.max(...generator).toFixed(0)} µs per reservation.`,
  ].join('\n');
}

function cells(side: SideFigures): string[] {
  return [
    count(side.throughput),
    side.p50Ms.toFixed(1),
    side.p99Ms.toFixed(1),
    count(side.serverCpuUs),
    count(side.postgresCpuUs),
    count(side.natsCpuUs),
  ];
}

function row(cellTexts: readonly string[]): string {
  return `| ${cellTexts.join(' | ')} |`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
