import { expect, test } from 'vitest';
import { runRound } from './round.ts';

const ROUND_TIMEOUT_MS = 95_000;

test(
  'R3: a killed service, PostgreSQL and nats-server in mid-load lose, double and oversell nothing',
  async () => {
    const report = await runRound(20_261, ['kill-service', 'kill-postgres', 'kill-nats']);
    expect(report.violations).toEqual([]);
    expect(report.faults).toHaveLength(3);
    expect(report.acknowledged).toBeGreaterThan(50);
    // Without calls whose fate was unknown for a while the faults would not have met the load.
    expect(report.unknownCallsResolved).toBeGreaterThan(0);
  },
  ROUND_TIMEOUT_MS,
);
