import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { poolKey } from '../../src/domain/stock-level.ts';
import type { MessagePublisher, OutboxRow, StockReader, StockView } from '../../src/ports.ts';
import { type Appended, appendAll } from './append.ts';
import type { NatsLink } from './connection.ts';
import { type LastValue, LastValueWriter } from './last-values.ts';
import type { LastValueMessage, OutgoingMessage, PublishContext } from './outgoing.ts';
import { availabilityMessage, reservedCountMessage, stateMessage } from './pool-messages.ts';
import { Remembered } from './remembered.ts';
import { reservationMessages } from './reservation-messages.ts';
import { streamOf } from './subjects.ts';
import { contextOf, formatTraceparent } from './trace-context.ts';
import { verdictMessage } from './verdict-messages.ts';

const PUBLISH_TIMEOUT_MS = 5_000;
/** Pools of which is remembered what was sent; the numbers of others may be sent once more. */
const SENT_POOLS_MAX = 100_000;
const TRACER = 'earmark';
const SEND_ATTRIBUTES = { 'messaging.system': 'nats', 'messaging.operation.type': 'send' };

export interface PublisherOptions {
  readonly link: NatsLink;
  /** Reads the warehouses anew for every batch, so that a row never meets an older list than its own commit. */
  readonly stock: Pick<StockReader, 'warehouses' | 'readPools'>;
  /** Creates the streams; asked for where one turns out to be missing. */
  readonly ensureStreams: () => Promise<void>;
  readonly log?: (message: string) => void;
}

/** The connection's JetStream handles and what is known of the stored last values. */
export interface PublishSession {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly lastValues: LastValueWriter;
  /** The newest version of each pool that was sent over this connection. */
  readonly sentPools: Remembered<SentPool>;
}

interface SentPool {
  readonly epoch: bigint;
  readonly version: number;
  readonly wms: string;
}

export interface NatsPublisher extends MessagePublisher {
  /** The handles of the connection, or null while NATS is away. */
  session(): Promise<PublishSession | null>;
  /** Stores the last values of pools; those already there are left alone. */
  storeLastValues(views: readonly StockView[], context: PublishContext, signal: AbortSignal): Promise<void>;
  /** The warehouse system of each warehouse as it is now; empty where none is connected. */
  systems(): Promise<ReadonlyMap<string, string>>;
}

/**
 * Publishes outbox rows, one batch for each stream at a time. Each stream keeps the order of the rows; rows of one pool
 * are made one, the newest. A row counts only when each of its messages was acknowledged by JetStream.
 */
export function createPublisher(options: PublisherOptions): NatsPublisher {
  const { stock, log } = options;
  const session = sessionsOf(options);
  const systems = async () => new Map((await stock.warehouses()).map(({ code, wms }) => [code, wms]));

  const storeLastValues: NatsPublisher['storeLastValues'] = async (views, context, signal) => {
    const current = await session();
    if (current === null) throw new Error('NATS is away');
    const failures: unknown[] = [];
    const fail = (error: unknown) => failures.push(error);
    const values = views.flatMap((view) => lastValuesOf(stock, view, context, fail));
    await current.lastValues.write(values, signal);
    if (failures.length > 0) throw failures[0];
  };

  return {
    session,
    storeLastValues,
    systems,
    publish: async (rows, epoch, signal) => {
      const current = await session();
      if (current === null || rows.length === 0) return [];
      const known = await systems();
      const wmsOf = (warehouse: string) => known.get(warehouse) ?? '';
      const { sent, unsent } = splitBySent(tasksOf(rows), current.sentPools, { epoch, wmsOf });
      const tasks = unsent.map((task) => begin(task, { wmsOf, epoch, refill: '' }));
      const values = tasks.flatMap(({ row, context, fail }) =>
        row.topic === 'pool' ? lastValuesOf(stock, row.view, context, fail) : [],
      );
      const streams = Map.groupBy(tasks.flatMap(appendedOf), ({ message }) => streamOf(message.subject));
      await Promise.all([
        ...[...streams.values()].map((appended) => appendAll(current.js, appended, signal)),
        current.lastValues.write(values, signal),
      ]);
      for (const task of tasks) {
        task.end();
        if (task.failure === undefined) rememberSent(task, current.sentPools, { epoch, wmsOf });
      }
      const failed = tasks.filter((task) => task.failure !== undefined);
      if (failed.length > 0) {
        log?.(`${failed.length} of ${tasks.length} changes could not be published: ${describe(failed[0]?.failure)}`);
        if (failed.some((task) => isMissingStream(task.failure))) await repair(options);
      }
      const settled = [...sent, ...tasks.filter((task) => task.failure === undefined)];
      return settled.flatMap((task) => task.outboxIds);
    },
  };
}

/** Rows that are settled by publishing one of them. */
interface PublishTask {
  readonly key: string;
  row: OutboxRow;
  readonly outboxIds: bigint[];
}

/** Tasks in the order of the rows. A pool has one task: its newest value says all that the older ones said. */
function tasksOf(rows: readonly OutboxRow[]): PublishTask[] {
  const tasks: PublishTask[] = [];
  const pools = new Map<string, PublishTask>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = pools.get(key);
    if (known === undefined) {
      const task = { key, row, outboxIds: [row.outboxId] };
      tasks.push(task);
      if (row.topic === 'pool') pools.set(key, task);
    } else {
      known.outboxIds.push(row.outboxId);
      if (isNewer(row, known.row)) known.row = row;
    }
  }
  return tasks;
}

type Sender = Pick<PublishContext, 'epoch' | 'wmsOf'>;

/**
 * While rows wait, each row of a pool meets the pool's newest numbers, and they are sent with the first of them: what
 * comes after it has nothing to add.
 */
function splitBySent(tasks: readonly PublishTask[], sentPools: Remembered<SentPool>, { epoch, wmsOf }: Sender) {
  const isSent = ({ key, row }: PublishTask) => {
    const known = row.topic === 'pool' ? sentPools.get(key) : undefined;
    if (row.topic !== 'pool' || known === undefined) return false;
    const { warehouse, version } = row.view.level;
    return known.epoch === epoch && known.wms === wmsOf(warehouse) && known.version >= version;
  };
  return { sent: tasks.filter(isSent), unsent: tasks.filter((task) => !isSent(task)) };
}

function rememberSent({ key, row }: PublishTask, sentPools: Remembered<SentPool>, { epoch, wmsOf }: Sender): void {
  if (row.topic !== 'pool') return;
  const { warehouse, version } = row.view.level;
  sentPools.set(key, { epoch, version, wms: wmsOf(warehouse) });
}

function isNewer(row: OutboxRow, than: OutboxRow): boolean {
  return row.topic === 'pool' && than.topic === 'pool' && row.view.level.version >= than.view.level.version;
}

function keyOf(row: OutboxRow): string {
  switch (row.topic) {
    case 'reservation':
      return `r:${row.reservation.reservationId}`;
    case 'pool':
      return `p:${poolKey(row.view.level.sku, row.view.level.warehouse)}`;
    case 'verdict':
      return `v:${row.notice.wms}:${row.notice.event}:${row.notice.messageId}`;
  }
}

/** A task under way. */
interface Publishing extends PublishTask {
  readonly context: PublishContext;
  /** Why one of its messages was not stored. */
  failure?: unknown;
  fail(error: unknown): void;
  end(): void;
}

/**
 * Begins a span in the trace that caused the row. A pool's row stands for many changes at once, so it only hands on the
 * trace of the first of them.
 */
function begin(task: PublishTask, context: Omit<PublishContext, 'traceparent'>): Publishing {
  const { row } = task;
  const span =
    row.topic === 'pool'
      ? null
      : trace
          .getTracer(TRACER)
          .startSpan(
            `publish ${row.topic}`,
            { kind: SpanKind.PRODUCER, attributes: SEND_ATTRIBUTES },
            contextOf(row.traceparent),
          );
  const traceparent = span === null ? row.traceparent : formatTraceparent(span.spanContext());
  const publishing: Publishing = {
    ...task,
    context: { ...context, traceparent },
    fail: (error) => {
      publishing.failure ??= error ?? new Error('publishing was stopped');
    },
    end: () => {
      const { failure } = publishing;
      if (failure !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: describe(failure) });
      span?.end();
    },
  };
  return publishing;
}

/** The messages of a row for the streams that keep every message. */
function appendedOf({ key, row, context, fail }: Publishing): Appended[] {
  return messagesOf(row, context).map((message) => ({ message, lane: key, fail }));
}

function messagesOf(row: OutboxRow, context: PublishContext): OutgoingMessage[] {
  switch (row.topic) {
    case 'reservation':
      return reservationMessages(row, context);
    case 'pool': {
      const message = reservedCountMessage(row.view, context);
      return message === null ? [] : [message];
    }
    case 'verdict':
      return [verdictMessage(row, context)];
  }
}

function lastValuesOf(
  stock: PublisherOptions['stock'],
  view: StockView,
  context: PublishContext,
  fail: LastValue['fail'],
): LastValue[] {
  const value = (make: (current: StockView) => LastValueMessage | null): LastValue[] => {
    const message = make(view);
    const renew = async () => {
      const [current] = await stock.readPools([view.level]);
      return current === undefined ? null : make(current);
    };
    return message === null ? [] : [{ message, renew, fail }];
  };
  return [
    ...value((current) => stateMessage(current, context)),
    ...value((current) => availabilityMessage(current, context)),
  ];
}

/** One session per connection; a new connection may lead to other streams, so nothing known of them is kept. */
function sessionsOf(options: PublisherOptions): () => Promise<PublishSession | null> {
  let latest: PublishSession | null = null;
  return async () => {
    const connection = options.link.current();
    if (connection === null) return null;
    if (latest?.connection === connection) return latest;
    await repair(options);
    const js = jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS });
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: PUBLISH_TIMEOUT_MS });
    const sentPools = new Remembered<SentPool>(SENT_POOLS_MAX);
    latest = { connection, js, lastValues: new LastValueWriter(js, manager), sentPools };
    return latest;
  };
}

/** What was published counts, also where the streams cannot be put right now. */
async function repair({ ensureStreams, log }: PublisherOptions): Promise<void> {
  await ensureStreams().catch((error: unknown) => log?.(`streams could not be repaired: ${describe(error)}`));
}

/** Nobody listening on a subject is how a missing stream shows. */
function isMissingStream(error: unknown): boolean {
  return error instanceof Error && /JetStreamNotEnabled|StreamNotFound/.test(error.constructor.name);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
