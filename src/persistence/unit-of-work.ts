import type { Pool, PoolClient } from 'pg';
import { BrokenInvariant, refuse } from '../domain/refusal.ts';
import type { RecordedTransition } from '../domain/working-set.ts';
import { runUntraced } from '../observability/spans.ts';
import type { Command, Ids, Outcome } from '../ports.ts';
import type { CatalogCache } from './catalog-cache.ts';
import { classifyFailure, type Failure, sqlState } from './failures.ts';
import { readUnlockedSkus } from './locks.ts';
import { type Extra, NO_EXTRA } from './plan.ts';
import { type Attempt, attemptUnit, type CommittedUnit, readFate } from './unit.ts';

/** Tries of a unit that lost against others (deadlock, lock wait, serialization) before CONFLICT. */
const CONTENTION_TRIES_MAX = 6;

/** Times a unit is tried again with more rows before CONFLICT. */
const WIDEN_TRIES_MAX = 3;

/** How long a unit waits for a lost database before DEPENDENCY_DOWN, in milliseconds. */
const RECONNECT_MAX_MS = 3_000;

/** SQLSTATE of a lock that was not had within the lock timeout. */
const LOCK_WAIT = '55P03';

/** SQLSTATE of a statement that took longer than it may. */
const STATEMENT_TIMEOUT = '57014';

/** Tries that a statement which took too long counts for: it has cost its callers as much time as several lock waits. */
const STATEMENT_TIMEOUT_TRIES = 3;

const RETRY_PAUSE_MS = 20;
const CONFLICT_RETRY_AFTER_MS = 200;
const DOWN_RETRY_AFTER_MS = 1_000;

/** Who wants to know of a unit before all of it is done. */
export interface UnitWatcher {
  /** Told of each answer as soon as it is certain; may be told again. */
  answered(command: Command, answer: Outcome | Error): void;
  /** What is left of the unit waits for rows that somebody else holds. */
  heldUp(): void;
}

export interface UnitDeps {
  readonly pool: Pool;
  readonly ids: Ids;
  readonly cache: CatalogCache;
  /** Between 0 (included) and 1, for jitter. */
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Told of what each commit made true. */
  readonly onCommitted: (transitions: readonly RecordedTransition[]) => void;
  /** Told of every failed try. */
  readonly onFailure: (failure: string, error: unknown) => void;
  readonly watcher?: UnitWatcher | undefined;
}

/** Tells of each answer as it is given, so that nobody waits for neighbours that are still held up. */
class Answers extends Map<Command, Outcome | Error> {
  readonly #watcher: UnitWatcher | undefined;

  constructor(watcher: UnitWatcher | undefined) {
    super();
    this.#watcher = watcher;
  }

  override set(command: Command, answer: Outcome | Error): this {
    super.set(command, answer);
    this.#watcher?.answered(command, answer);
    return this;
  }
}

interface Progress {
  contention: number;
  widened: number;
  extra: Extra;
  /** When the database was first found away in this unit, or null. */
  downSince: number | null;
  /** A commit that was not answered and that nobody has asked the database about yet. */
  doubt: { readonly unit: CommittedUnit; readonly xid: string } | null;
}

/** Thrown while PostgreSQL is still busy with a commit whose connection is gone. */
class CommitUnderWay extends Error {
  override name = 'CommitUnderWay';
}

/**
 * The only place that begins, commits and retries. Runs the commands as one transaction and answers each; never
 * rejects but for a broken invariant or a data error of a single command, which are bugs of ours.
 */
export async function runUnit(deps: UnitDeps, commands: readonly Command[]): Promise<Map<Command, Outcome | Error>> {
  const answers = new Answers(deps.watcher);
  const progress: Progress = { contention: 0, widened: 0, extra: NO_EXTRA, downSince: null, doubt: null };
  let rest: readonly Command[] = commands;
  while (rest.length > 0) {
    rest = await tryOnce(deps, rest, progress, answers);
  }
  return answers;
}

/** One try; answers the commands that remain to be done. */
async function tryOnce(
  deps: UnitDeps,
  commands: readonly Command[],
  progress: Progress,
  answers: Answers,
): Promise<readonly Command[]> {
  let client: PoolClient | undefined;
  try {
    client = await runUntraced(() => deps.pool.connect());
    const isLastTry = progress.widened >= WIDEN_TRIES_MAX;
    const attempt =
      (await settleDoubt(client, progress)) ??
      (await attemptUnit(client, commands, progress.extra, { ...deps, isLastTry }));
    client.release(attempt.kind === 'in-doubt');
    client = undefined;
    if (attempt.kind === 'in-doubt') {
      progress.doubt = attempt;
      return await failed(deps, commands, progress, answers, attempt.error);
    }
    progress.downSince = null;
    if (attempt.kind === 'widen') return await widened(deps, progress, attempt.extra, commands, answers);
    tell(deps, attempt.transitions);
    for (const [command, outcome] of attempt.decided.outcomes) answers.set(command, outcome);
    const { deferred, missing } = attempt.decided;
    if (deferred.length === 0) return [];
    const { extra } = progress;
    const larger: Extra = {
      ...extra,
      reservationIds: new Set([...extra.reservationIds, ...missing.reservationIds]),
      skus: new Set([...extra.skus, ...missing.skus]),
      customers: extra.customers || missing.customers,
    };
    return await widened(deps, progress, larger, deferred, answers);
  } catch (error) {
    client?.release(classifyFailure(error) === 'connection');
    return await failed(deps, commands, progress, answers, error);
  }
}

/**
 * Finds out what became of a commit that was not answered. Repeating the unit would do no harm either, but would answer
 * its own effects as replays of somebody else's.
 */
async function settleDoubt(client: PoolClient, progress: Progress): Promise<Attempt | null> {
  const { doubt } = progress;
  if (doubt === null) return null;
  const fate = await readFate(client, doubt.xid, doubt.unit.decided.outcomes);
  if (fate === 'in progress') throw new CommitUnderWay('a commit has not ended yet');
  progress.doubt = null;
  return fate === 'committed' ? doubt.unit : null;
}

/** What is told after a commit cannot undo it: a listener that throws must not make the unit run again. */
function tell(deps: UnitDeps, transitions: readonly RecordedTransition[]): void {
  try {
    deps.onCommitted(transitions);
  } catch (error) {
    deps.onFailure('listener', error);
  }
}

async function widened(
  deps: UnitDeps,
  progress: Progress,
  extra: Extra,
  commands: readonly Command[],
  answers: Answers,
): Promise<readonly Command[]> {
  progress.extra = extra;
  progress.widened += 1;
  if (progress.widened <= WIDEN_TRIES_MAX) return commands;
  if (commands.length > 1) return await runHalves(deps, commands, answers);
  return refuseAll(commands, answers, conflict());
}

async function failed(
  deps: UnitDeps,
  commands: readonly Command[],
  progress: Progress,
  answers: Answers,
  error: unknown,
): Promise<readonly Command[]> {
  const failure = failureOf(error);
  deps.onFailure(failure, error);
  switch (failure) {
    case 'contention': {
      const isTooSlow = sqlState(error) === STATEMENT_TIMEOUT;
      if (isTooSlow) deps.watcher?.heldUp();
      if (isTooSlow && commands.length > 1) return await runHalves(deps, commands, answers);
      progress.contention += isTooSlow ? STATEMENT_TIMEOUT_TRIES : 1;
      if (progress.contention >= CONTENTION_TRIES_MAX) return refuseAll(commands, answers, givenUp(progress));
      const isLockWait = sqlState(error) === LOCK_WAIT;
      const rest = isLockWait ? await runUnblocked(deps, commands, answers) : commands;
      if (isLockWait && rest.length > 0) deps.watcher?.heldUp();
      await deps.pause(RETRY_PAUSE_MS * 2 ** progress.contention * (0.5 + deps.random()));
      return rest;
    }
    case 'connection':
      progress.downSince ??= deps.monotonicMs();
      if (deps.monotonicMs() - progress.downSince > RECONNECT_MAX_MS) return refuseAll(commands, answers, down());
      await deps.pause(RETRY_PAUSE_MS * (1 + 4 * deps.random()));
      return commands;
    case 'exhausted':
      return refuseAll(commands, answers, down());
    default:
      return await bisect(deps, commands, answers, error);
  }
}

function failureOf(error: unknown): Failure | 'invariant' {
  if (error instanceof BrokenInvariant) return 'invariant';
  return error instanceof CommitUnderWay ? 'connection' : classifyFailure(error);
}

/** After a lock wait, the commands that do not need the blocked pools go first; answers those that do. */
async function runUnblocked(
  deps: UnitDeps,
  commands: readonly Command[],
  answers: Answers,
): Promise<readonly Command[]> {
  const skus = [...new Set(commands.flatMap((command) => [...command.needs.skus]))];
  if (commands.length === 1 || skus.length === 0) return commands;
  const unlocked = await readUnlocked(deps.pool, skus);
  const isBlocked = (command: Command) => command.needs.skus.some((sku) => !unlocked.has(sku));
  const free = commands.filter((command) => !isBlocked(command));
  if (free.length === 0 || free.length === commands.length) return commands;
  for (const [command, answer] of await runUnit(deps, free)) answers.set(command, answer);
  return commands.filter(isBlocked);
}

/** Where the question itself fails, none is known to be free. */
async function readUnlocked(pool: Pool, skus: readonly string[]): Promise<ReadonlySet<string>> {
  try {
    const result = await pool.query<{ sku: string; free: number; pools: number }>(readUnlockedSkus(skus));
    return new Set(result.rows.filter((row) => row.free === row.pools).map((row) => row.sku));
  } catch {
    return new Set();
  }
}

/** One bad command must not fail its neighbours: only where it stands alone is its error the answer. */
async function bisect(
  deps: UnitDeps,
  commands: readonly Command[],
  answers: Answers,
  error: unknown,
): Promise<readonly Command[]> {
  const [only] = commands;
  if (commands.length > 1 || only === undefined) return await runHalves(deps, commands, answers);
  answers.set(only, error instanceof Error ? error : new Error(String(error)));
  return [];
}

/** Runs the halves in order, each with all its tries. */
async function runHalves(deps: UnitDeps, commands: readonly Command[], answers: Answers): Promise<readonly Command[]> {
  const middle = Math.ceil(commands.length / 2);
  for (const half of [commands.slice(0, middle), commands.slice(middle)]) {
    for (const [command, answer] of await runUnit(deps, half)) answers.set(command, answer);
  }
  return [];
}

function refuseAll(commands: readonly Command[], answers: Answers, outcome: Outcome): readonly Command[] {
  for (const command of commands) answers.set(command, outcome);
  return [];
}

/** CONFLICT says that nothing was done, which nobody knows while a commit is in doubt. */
function givenUp(progress: Progress): Outcome {
  return progress.doubt === null ? conflict() : down();
}

function conflict(): Outcome {
  return {
    ok: false,
    refusal: refuse('CONFLICT', 'too many changes to the same stock at once', {}, CONFLICT_RETRY_AFTER_MS),
  };
}

function down(): Outcome {
  return {
    ok: false,
    refusal: refuse('DEPENDENCY_DOWN', 'the database is away', { dependency: 'database' }, DOWN_RETRY_AFTER_MS),
  };
}
