import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type BenchReport, formatProof, formatTable } from '../../bench/report.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the document quotes the recorded run, misses included', () => {
  const report = JSON.parse(read('bench/results/bench.json')) as BenchReport;
  const document = read('docs/benchmarks.md');

  expect(document).toContain(formatTable(report.cases));
  expect(document).toContain(formatProof(report));
  const withTarget = report.cases.filter((figures) => figures.case.target !== null);
  expect(withTarget.map((figures) => figures.case.target)).toEqual([2, 4, 5, 5]);
  for (const { ratio, isMet, case: benchCase } of withTarget) expect(isMet).toBe(ratio >= (benchCase.target ?? 0));
});

test('the recorded run lost nothing and promised nothing it did not have', () => {
  const { service, peer, ledger } = JSON.parse(read('bench/results/bench.json')) as BenchReport;

  for (const side of [service, peer]) {
    expect(side).toEqual({ accepted: side.accepted, reservationRows: side.accepted, reservedUnits: side.accepted });
  }
  expect(ledger.drifts).toBe(0);
  expect(ledger.reservationsChecked).toBe(service.accepted);
});
