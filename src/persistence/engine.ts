import type { Span } from '@opentelemetry/api';
import type { Pool } from 'pg';
import type { CompileRule } from '../domain/eligibility.ts';
import type { TransitionKind } from '../domain/transition.ts';
import type { RecordedTransition } from '../domain/working-set.ts';
import { endDecisionSpan, runInSpan, startDecisionSpan, startUnitSpan } from '../observability/spans.ts';
import type { Observability } from '../observability.ts';
import type { Checkpoints } from '../ports/checkpoints.ts';
import type { DecisionReader } from '../ports/decision-reader.ts';
import type { DueReader } from '../ports/due-reader.ts';
import type { Equivalents } from '../ports/equivalents.ts';
import type { EventReader } from '../ports/event-reader.ts';
import type { KpiReader } from '../ports/kpi-reader.ts';
import type { LedgerAuditor, LedgerCounts } from '../ports/ledger-auditor.ts';
import type { Notifications } from '../ports/notifications.ts';
import type { PastCases } from '../ports/past-cases.ts';
import type { Refusals } from '../ports/refusals.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { Shortages } from '../ports/shortages.ts';
import type { WaitlistReader } from '../ports/waitlist-reader.ts';
import type { WantedItems } from '../ports/wanted-items.ts';
import type { ChangeFeed, Command, Ids, Outbox, Outcome, ReservationReader, StockReader } from '../ports.ts';
import { CatalogCache } from './catalog-cache.ts';
import { createChangeFeed } from './change-feed.ts';
import { createCheckpoints } from './checkpoints.ts';
import { openDatabase } from './database.ts';
import { createDecisionReader } from './decision-reader.ts';
import { createDueReader } from './due-reader.ts';
import { createEquivalents } from './equivalents.ts';
import { createEventReader } from './event-reader.ts';
import { GroupCommit } from './group-commit.ts';
import { createKpiReader } from './kpi-reader.ts';
import { createLedgerAuditor } from './ledger-auditor.ts';
import { createNotifications } from './notifications.ts';
import { createOutbox } from './outbox.ts';
import { createPastCases } from './past-cases.ts';
import { createRefusals } from './refusals.ts';
import { createReservationReader } from './reservation-reader.ts';
import { createRulesReader } from './rules-reader.ts';
import { createShortages } from './shortages.ts';
import { createStockReader } from './stock-reader.ts';
import { runUnit, type UnitDeps, type UnitWatcher } from './unit-of-work.ts';
import { createWaitlistReader } from './waitlist-reader.ts';
import { createWantedItems } from './wanted-items.ts';

/** Everything the service asks of its database. */
export interface Engine {
  readonly unitOfWork: GroupCommit;
  readonly reservations: ReservationReader;
  readonly events: EventReader;
  readonly decisions: DecisionReader;
  readonly refusals: Refusals;
  readonly notifications: Notifications;
  readonly shortages: Shortages;
  readonly cases: PastCases;
  readonly stock: StockReader;
  readonly changes: ChangeFeed;
  readonly due: DueReader;
  readonly waitlist: WaitlistReader;
  readonly outbox: Outbox;
  readonly ledger: LedgerAuditor;
  readonly checkpoints: Checkpoints;
  readonly rules: RulesReader;
  readonly kpis: KpiReader;
  readonly wantedItems: WantedItems;
  readonly equivalents: Equivalents;
  /** Makes an eligibility rule one that can be asked. */
  readonly compileRule: CompileRule;
  /** Rejects while the database does not answer. */
  ping(): Promise<void>;
  /** Finishes what is queued, then closes the connections. */
  close(): Promise<void>;
}

export interface EngineDeps extends Pick<UnitDeps, 'ids' | 'random' | 'monotonicMs' | 'pause'> {
  readonly ids: Ids;
  readonly observability: Observability;
  readonly compileRule: CompileRule;
  /** Called after each commit, so that the relay and the feeds look at once. */
  readonly onCommit: () => void;
}

/** Opens a migrated database and puts the unit of work and the readers on it. */
export async function openEngine(databaseUrl: string, deps: EngineDeps): Promise<Engine> {
  const { orm, pool, unitPool, close } = await openDatabase(databaseUrl);
  const cache = new CatalogCache(deps.compileRule);
  const run = (commands: readonly Command[], watcher: UnitWatcher) =>
    observedUnit({ ...deps, pool: unitPool, cache, watcher }, commands);
  const unitOfWork = new GroupCommit(run);
  const stock = createStockReader(orm, pool);
  const refusals = createRefusals(pool);
  return {
    unitOfWork,
    reservations: createReservationReader(pool),
    events: createEventReader(pool, refusals),
    decisions: createDecisionReader(pool),
    refusals,
    notifications: createNotifications(pool),
    shortages: createShortages(pool),
    cases: createPastCases(pool),
    stock,
    changes: createChangeFeed(pool),
    due: createDueReader(pool),
    waitlist: createWaitlistReader(pool),
    outbox: createOutbox(pool, stock),
    ledger: observedAuditor(pool, deps),
    checkpoints: createCheckpoints(pool),
    rules: createRulesReader(pool, deps.monotonicMs),
    kpis: createKpiReader(pool),
    wantedItems: createWantedItems(pool),
    equivalents: createEquivalents(pool),
    compileRule: deps.compileRule,
    async ping() {
      await pool.query({ name: 'ping', text: 'select 1' });
    },
    async close() {
      await unitOfWork.close();
      await close();
    },
  };
}

/** Time between two reports of how far a verification has come, in milliseconds. */
const PROGRESS_MS = 5_000;

/** Tells how far each verification has come while it runs, and at its end what it found. */
function observedAuditor(pool: Pool, { observability, monotonicMs }: EngineDeps): LedgerAuditor {
  return {
    async verify(options) {
      let toldAt = monotonicMs();
      const onProgress = (counts: LedgerCounts) => {
        if (monotonicMs() - toldAt < PROGRESS_MS) return;
        toldAt = monotonicMs();
        observability.recordLedgerProgress(counts);
      };
      const report = await createLedgerAuditor(pool, { onProgress }).verify(options);
      observability.recordLedgerDrift(report.drifts.length);
      return report;
    },
  };
}

type Answers = Map<Command, Outcome | Error>;

/**
 * Runs a unit inside its span, in the trace of its first command; the span of every other call is linked to the unit's,
 * and a stream gets a short span for each of its units, with one link.
 */
async function observedUnit(
  deps: EngineDeps & Pick<UnitDeps, 'pool' | 'cache' | 'watcher'>,
  commands: readonly Command[],
): Promise<Answers> {
  const startedAt = deps.monotonicMs();
  const span = startUnitSpan(commands[0]?.trace ?? null, commands.length);
  let attempt = 1;
  const onFailure = (failure: string, error: unknown) => {
    if (span.isRecording() && error instanceof Error) span.recordException(error);
    deps.observability.recordUnitFailure(failure, commands.length, attempt, error);
    attempt += 1;
  };
  const onCommitted = (transitions: readonly RecordedTransition[]) => {
    const counts = new Map<TransitionKind, number>();
    for (const { kind } of transitions) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const [kind, count] of counts) deps.observability.recordReservation(kind, count);
    deps.onCommit();
  };
  const decisions: [Command, Span][] = [];
  for (const command of otherCallers(commands)) {
    if (command.trace?.linkTo !== undefined) command.trace.linkTo(span.spanContext());
    else decisions.push([command, startDecisionSpan(command.trace, span.spanContext(), command.name)]);
  }
  try {
    return await runInSpan(span, async () => {
      const answers = await runUnit({ ...deps, onFailure, onCommitted }, commands);
      for (const [command, decision] of decisions) endDecisionSpan(decision, refusalReason(answers.get(command)));
      report(deps, commands, answers, deps.monotonicMs() - startedAt, attempt);
      return answers;
    });
  } finally {
    span.end();
  }
}

/** The first command of each call but the first one's: the many requests of a batch need no span each. */
function otherCallers(commands: readonly Command[]): Command[] {
  const seen = new Set([commands[0]?.trace?.spanId]);
  return commands.filter((command) => {
    const spanId = command.trace?.spanId;
    if (spanId === undefined || seen.has(spanId)) return false;
    seen.add(spanId);
    return true;
  });
}

function report(deps: EngineDeps, commands: readonly Command[], answers: Answers, durationMs: number, attempt: number) {
  const { observability } = deps;
  let refused = 0;
  for (const [command, answer] of answers) {
    if (answer instanceof Error) continue;
    if (!answer.ok) {
      refused += 1;
      observability.recordRefusal(command.name, answer.refusal.reason);
    }
  }
  const lines = commands.reduce((sum, command) => sum + command.lineCount, 0);
  observability.recordUnit({ commands: commands.length, lines, refused, durationMs, attempt });
}

function refusalReason(answer: Outcome | Error | undefined) {
  return answer === undefined || answer instanceof Error || answer.ok ? '' : answer.refusal.reason;
}
