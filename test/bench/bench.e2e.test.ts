import { expect, test } from 'vitest';
import { runBenchmark } from '../../bench/benchmark.ts';
import { TINY } from '../../bench/options.ts';
import { formatProof, formatTable } from '../../bench/report.ts';

const RUN_MAX_MS = 120_000;

/** Says nothing of speed: the machine that tests is busy with other tests. */
test('the benchmark loads both sides, and what was answered is what is stored', { timeout: RUN_MAX_MS }, async () => {
  const progress: string[] = [];

  const outcome = await runBenchmark(TINY, { onProgress: (text) => progress.push(text), serviceNodeArguments: [] });

  for (const side of [outcome.service, outcome.peer]) {
    expect(side.accepted).toBeGreaterThan(0);
    expect(side).toEqual({ accepted: side.accepted, reservationRows: side.accepted, reservedUnits: side.accepted });
  }
  expect(outcome.ledger).toEqual({
    reservationsChecked: outcome.service.accepted,
    poolsChecked: TINY.skuCount + 1,
    drifts: 0,
  });
  expect(outcome.spans).toBeGreaterThanOrEqual(outcome.service.accepted);
  expect(outcome.cases.map((figures) => figures.case)).toEqual(TINY.cases);
  for (const { service, peer, ratio } of outcome.cases) {
    expect(ratio).toBeCloseTo(service.throughput / peer.throughput);
    for (const side of [service, peer]) {
      expect(side.throughputs).toHaveLength(TINY.rounds);
      expect(side.throughput).toBeGreaterThan(0);
      expect(side.p50Ms).toBeGreaterThan(0);
      expect(side.p99Ms).toBeGreaterThanOrEqual(side.p50Ms);
      expect(side.serverCpuUs).toBeGreaterThan(0);
      expect(side.postgresCpuUs).toBeGreaterThan(0);
    }
  }
  expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
  expect(formatTable(outcome.cases).split('\n')).toHaveLength(2 + 2 * TINY.cases.length);
  expect(formatProof(outcome)).toContain('found 0 drifts');
  expect(progress.at(-1)).toBe('proving the ledger');
});
