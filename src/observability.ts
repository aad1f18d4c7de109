import { type Attributes, metrics, trace } from '@opentelemetry/api';
import type { RefusalReason } from './domain/refusal.ts';
import type { TransitionKind } from './domain/transition.ts';
import type { Logger } from './log.ts';
import type { Checkpoint } from './ports/checkpoints.ts';
import type { LedgerCounts } from './ports/ledger-auditor.ts';

/** One committed unit of work. */
export interface UnitFacts {
  readonly commands: number;
  readonly lines: number;
  readonly refused: number;
  readonly durationMs: number;
  /** 1 when it went through at once. */
  readonly attempt: number;
}

export interface OutboxBacklog {
  readonly rows: number;
  readonly oldestAgeMs: number;
}

/** Ends a registration. */
export type StopObserving = () => void;

/**
 * What happens in the business, one function per event: metric, span event and log line are decided here and nowhere
 * else. No SKU, id or name of a customer ever becomes a metric's attribute.
 */
export interface Observability {
  /** `rpc` is the method's name, `code` the gRPC status in upper snake case. */
  recordRpc(rpc: string, code: string, durationMs: number): void;
  recordUnit(unit: UnitFacts): void;
  /** A unit that will be repeated or given up; `reason` is a short constant. The error is for the log. */
  recordUnitFailure(reason: string, commands: number, attempt: number, error?: unknown): void;
  /** Reservations that took a transition. */
  recordReservation(kind: TransitionKind, count?: number): void;
  recordRefusal(command: string, reason: RefusalReason): void;
  /** How long after their deadlines the reservations of one sweep were released. */
  recordExpiry(...latenessesMs: number[]): void;
  recordRelayPublish(topic: string, count: number, durationMs: number): void;
  recordInbound(event: string, verdict: string): void;
  /** Differences found by the last verification of the ledger. */
  recordLedgerDrift(drifts: number): void;
  /** How far a verification of the ledger that runs has come. */
  recordLedgerProgress(counts: LedgerCounts): void;
  /** A checkpoint over the audit events; the log carries it out of the database. */
  recordCheckpoint(checkpoint: Checkpoint): void;
  observeQueue(depth: () => number): StopObserving;
  /** Reads once per collection, never twice at a time, and gives up after two seconds. */
  observeOutbox(read: () => OutboxBacklog | Promise<OutboxBacklog>): StopObserving;
  /** Open streams by kind, such as `availability`. */
  observeStreams(counts: () => Readonly<Record<string, number>>): StopObserving;
}

const SCOPE = 'earmark';
const DURATION_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LATENESS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600];
const COMMAND_COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const LINE_COUNTS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];
const EXPIRY_LATENESS_ALERT_MS = 5_000;
const LABEL_VALUES_MAX = 64;
const OBSERVATION_TIMEOUT_MS = 2_000;

/** Makes the instruments; the OpenTelemetry SDK, if any, must have started. */
export function createObservability(logger: Logger): Observability {
  return { ...recordRequests(logger), ...recordReservations(logger), ...recordMessages(logger), ...observeLevels() };
}

type Recorders<K extends keyof Observability> = Pick<Observability, K>;

function recordRequests(logger: Logger): Recorders<'recordRpc' | 'recordUnit' | 'recordUnitFailure'> {
  const meter = metrics.getMeter(SCOPE);
  const rpcDuration = meter.createHistogram('earmark.rpc.duration', seconds('Time to answer a call', DURATION_SECONDS));
  const unitDuration = meter.createHistogram(
    'earmark.unit.duration',
    seconds('Time of a unit of work', DURATION_SECONDS),
  );
  const unitCommands = meter.createHistogram('earmark.unit.commands', sizes('Commands per unit', COMMAND_COUNTS));
  const unitLines = meter.createHistogram('earmark.unit.lines', sizes('Request lines per unit', LINE_COUNTS));
  const unitRefused = meter.createCounter('earmark.unit.refused', { description: 'Commands refused in units' });
  const unitFailures = meter.createCounter('earmark.unit.failures', { description: 'Units repeated or given up' });
  const rpcs = createLabel();
  const reasons = createLabel();
  return {
    recordRpc(rpc, code, durationMs) {
      rpcDuration.record(durationMs / 1_000, { rpc: rpcs(rpc), code });
      logger.debug('rpc', { rpc, code, durationMs });
    },
    recordUnit(unit) {
      unitDuration.record(unit.durationMs / 1_000, { retried: unit.attempt > 1 });
      unitCommands.record(unit.commands);
      unitLines.record(unit.lines);
      if (unit.refused > 0) unitRefused.add(unit.refused);
      addSpanEvent('unit-committed', { commands: unit.commands, refused: unit.refused, attempt: unit.attempt });
      logger.debug('unit-committed', { ...unit });
    },
    recordUnitFailure(reason, commands, attempt, error) {
      unitFailures.add(1, { reason: reasons(reason) });
      addSpanEvent('unit-failed', { reason, attempt });
      logger.warn('unit-failed', { reason, commands, attempt, ...(error === undefined ? {} : { error }) });
    },
  };
}

function recordReservations(
  logger: Logger,
): Recorders<
  | 'recordReservation'
  | 'recordRefusal'
  | 'recordExpiry'
  | 'recordLedgerDrift'
  | 'recordLedgerProgress'
  | 'recordCheckpoint'
> {
  const meter = metrics.getMeter(SCOPE);
  const transitions = meter.createCounter('earmark.reservations', {
    description: 'Reservations by what became of them',
  });
  const refusals = meter.createCounter('earmark.refusals', { description: 'Commands refused, by reason' });
  const lateness = meter.createHistogram(
    'earmark.expiry.lateness',
    seconds('Time from a deadline to the release', LATENESS_SECONDS),
  );
  const drift = meter.createGauge('earmark.ledger.drifts', { description: 'Differences the last verification found' });
  const covered = meter.createGauge('earmark.audit.covered', { description: 'Events the last checkpoint covers' });
  const commands = createLabel();
  return {
    recordReservation(kind, count = 1) {
      transitions.add(count, { kind });
      addSpanEvent('reservation', { kind, count });
      logger.debug('reservation', { kind, count });
    },
    recordRefusal(command, reason) {
      refusals.add(1, { command: commands(command), reason });
      addSpanEvent('refused', { command, reason });
      logger.debug('refused', { command, reason });
    },
    recordExpiry(...latenessesMs) {
      if (latenessesMs.length === 0) return;
      for (const each of latenessesMs) lateness.record(Math.max(0, each) / 1_000);
      const latenessMaxMs = Math.max(...latenessesMs);
      const facts = { count: latenessesMs.length, latenessMaxMs };
      addSpanEvent('expired', facts);
      if (latenessMaxMs > EXPIRY_LATENESS_ALERT_MS) logger.warn('expired-late', facts);
      else logger.debug('expired', facts);
    },
    recordLedgerDrift(drifts) {
      drift.record(drifts);
      addSpanEvent('ledger-verified', { drifts });
      if (drifts > 0) logger.error('ledger-drift', { drifts });
      else logger.info('ledger-verified', { drifts });
    },
    recordLedgerProgress(counts) {
      logger.info('ledger-progress', { ...counts });
    },
    recordCheckpoint({ size, root, coveredUntil }) {
      covered.record(size);
      const coveredTime = new Date(coveredUntil).toISOString();
      logger.info('audit-checkpoint', { size, root: Buffer.from(root).toString('hex'), coveredTime });
    },
  };
}

function recordMessages(logger: Logger): Recorders<'recordRelayPublish' | 'recordInbound'> {
  const meter = metrics.getMeter(SCOPE);
  const published = meter.createCounter('earmark.relay.messages', { description: 'Messages acknowledged by NATS' });
  const publishDuration = meter.createHistogram(
    'earmark.relay.publish.duration',
    seconds('Time to publish a batch', DURATION_SECONDS),
  );
  const inbound = meter.createCounter('earmark.inbound.messages', {
    description: 'Messages of warehouses, by verdict',
  });
  const topics = createLabel();
  const events = createLabel();
  return {
    recordRelayPublish(topic, count, durationMs) {
      published.add(count, { topic: topics(topic) });
      publishDuration.record(durationMs / 1_000, { topic: topics(topic) });
      addSpanEvent('published', { topic, count });
      logger.debug('published', { topic, count, durationMs });
    },
    recordInbound(event, verdict) {
      inbound.add(1, { event: events(event), verdict });
      addSpanEvent('inbound', { event, verdict });
      logger.debug('inbound', { message: event, verdict });
    },
  };
}

function observeLevels(): Recorders<'observeQueue' | 'observeOutbox' | 'observeStreams'> {
  const meter = metrics.getMeter(SCOPE);
  const queue = meter.createObservableGauge('earmark.queue.depth', { description: 'Commands waiting for a unit' });
  const rows = meter.createObservableGauge('earmark.outbox.rows', { description: 'Changes not yet published' });
  const age = meter.createObservableGauge('earmark.outbox.age', {
    unit: 's',
    description: 'Age of the oldest change not yet published',
  });
  const streams = meter.createObservableGauge('earmark.streams', { description: 'Open streams' });
  const kinds = createLabel();
  return {
    observeQueue(depth) {
      const observe: Parameters<typeof queue.addCallback>[0] = (result) => result.observe(depth());
      queue.addCallback(observe);
      return () => queue.removeCallback(observe);
    },
    observeOutbox(read) {
      const readOnce = createSingleFlight(read);
      const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = async (result) => {
        const backlog = await readOnce();
        if (backlog === null) return;
        result.observe(rows, backlog.rows);
        result.observe(age, backlog.oldestAgeMs / 1_000);
      };
      meter.addBatchObservableCallback(observe, [rows, age]);
      return () => meter.removeBatchObservableCallback(observe, [rows, age]);
    },
    observeStreams(counts) {
      const observe: Parameters<typeof streams.addCallback>[0] = (result) => {
        for (const [kind, count] of Object.entries(counts())) result.observe(count, { kind: kinds(kind) });
      };
      streams.addCallback(observe);
      return () => streams.removeCallback(observe);
    },
  };
}

function addSpanEvent(name: string, attributes: Attributes): void {
  const span = trace.getActiveSpan();
  if (span?.isRecording()) span.addEvent(name, attributes);
}

function seconds(description: string, boundaries: number[]) {
  return { description, unit: 's', advice: { explicitBucketBoundaries: boundaries } };
}

function sizes(description: string, boundaries: number[]) {
  return { description, advice: { explicitBucketBoundaries: boundaries } };
}

/** Lets the first distinct values through and calls the rest `other`: some come from outside. */
function createLabel(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= LABEL_VALUES_MAX) return 'other';
    known.add(value);
    return value;
  };
}

/** Reads at most once at a time, for many may ask while a database is slow; null on failure or after the timeout. */
function createSingleFlight<T>(read: () => T | Promise<T>): () => Promise<T | null> {
  let running: Promise<T | null> | null = null;
  return async () => {
    running ??= (async () => read())()
      .catch(() => null)
      .finally(() => {
        running = null;
      });
    const timeout = new AbortController();
    try {
      return await Promise.race([running, sleepUnlessAborted(timeout.signal)]);
    } finally {
      timeout.abort();
    }
  };
}

function sleepUnlessAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, OBSERVATION_TIMEOUT_MS, null);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
