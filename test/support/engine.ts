import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { createLogger } from '../../src/log.ts';
import { createObservability } from '../../src/observability.ts';
import { type Engine, openEngine } from '../../src/persistence/engine.ts';
import { sqlState } from '../../src/persistence/failures.ts';
import type { Ids } from '../../src/ports.ts';

export interface TestEngineOptions {
  readonly ids: Ids;
  readonly random: () => number;
  /** Told of every failed try of a unit, with PostgreSQL's SQLSTATE where there is one. */
  readonly onUnitFailure: (failure: string) => void;
}

/** The engine as the service opens it, silent. */
export function openTestEngine(databaseUrl: string, options: TestEngineOptions): Promise<Engine> {
  const observability = createObservability(createLogger('error', { write: () => undefined }));
  return openEngine(databaseUrl, {
    ids: options.ids,
    compileRule,
    observability: {
      ...observability,
      recordUnitFailure: (failure, _commands, _attempt, error) =>
        options.onUnitFailure(`${failure} ${sqlState(error) ?? ''}`.trim()),
    },
    onCommit: () => undefined,
    random: options.random,
    monotonicMs: () => performance.now(),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}

/** Makes `ledger_now()` stand still at an instant until it is moved by {@link SET_CLOCK_SQL}. */
export const MOVABLE_CLOCK_SQL = `
  create table test_clock (now timestamptz not null);
  insert into test_clock values ('2030-01-01');
  create or replace function ledger_now() returns timestamptz language sql stable as 'select now from test_clock'`;

/** Makes `ledger_now()` run ahead of the real clock by what `clock_ahead` says, nothing at first. */
export const AHEAD_CLOCK_SQL = `
  create table clock_ahead (ahead interval not null);
  insert into clock_ahead values ('0');
  create or replace function ledger_now() returns timestamptz language sql stable
    as 'select clock_timestamp() + ahead from clock_ahead'`;

/** Takes milliseconds since the Unix epoch. */
export const SET_CLOCK_SQL = 'update test_clock set now = to_timestamp($1::float8 / 1000)';
