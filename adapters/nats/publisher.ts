import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { poolKey } from '../../src/domain/stock-level.ts';
import type { MessagePublisher, OutboxRow, StockReader, StockView } from '../../src/ports.ts';
import type { NatsLink } from './connection.ts';
import { runInLanes } from './keyed-lanes.ts';
import { createLastValueWriter, type LastValueWriter } from './last-values.ts';
import type { LastValueMessage, OutgoingMessage, PublishContext } from './outgoing.ts';
import { availabilityMessage, reservedCountMessage, stateMessage } from './pool-messages.ts';
import { reservationMessages } from './reservation-messages.ts';
import { contextOf, formatTraceparent } from './trace-context.ts';
import { verdictMessage } from './verdict-messages.ts';

/** Rows published at the same time; each has at most a handful of messages, never two on one subject. */
const ROWS_IN_FLIGHT_MAX = 128;
const PUBLISH_TIMEOUT_MS = 5_000;
const TRACER = 'earmark';

export interface PublisherOptions {
  readonly link: NatsLink;
  /** Reads the warehouses anew for every batch, so that a row never meets an older list than its own commit. */
  readonly stock: Pick<StockReader, 'warehouses' | 'readPools'>;
  /** Creates the streams; asked for where one turns out to be missing. */
  readonly ensureStreams: () => Promise<void>;
  /** Available units at or below which a pool is flagged LOW. */
  readonly lowThreshold: number;
  readonly log?: (message: string) => void;
}

/** The connection's JetStream handles and what is known of the stored last values. */
export interface PublishSession {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly lastValues: LastValueWriter;
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
 * Publishes outbox rows. Rows of one reservation go one after the other; rows of one pool are made one, the newest;
 * everything else goes at the same time. A row counts only when each of its messages was acknowledged by JetStream.
 */
export function createPublisher(options: PublisherOptions): NatsPublisher {
  const { stock, log } = options;
  const session = sessionsOf(options);
  const systems = async () => new Map((await stock.warehouses()).map(({ code, wms }) => [code, wms]));
  const sender = createSender(options);

  const storeLastValues: NatsPublisher['storeLastValues'] = async (views, context, signal) => {
    const current = await session();
    if (current === null) throw new Error('NATS is away');
    const lanes = views.map((view) => [view]);
    const { failure } = await runInLanes(lanes, ROWS_IN_FLIGHT_MAX, signal, (view) =>
      sender.sendLastValues(current, view, context),
    );
    if (failure !== undefined) throw failure;
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
      const { done, failure } = await runInLanes(lanesOf(rows), ROWS_IN_FLIGHT_MAX, signal, (task) =>
        traced(task, (traceparent) => sender.sendRow(current, task.row, { wmsOf, epoch, traceparent, refill: '' })),
      );
      if (failure !== undefined) {
        log?.(`${rows.length - done.flat().length} outbox rows could not be published: ${describe(failure)}`);
        if (isMissingStream(failure)) await repair(options);
      }
      return done.flat();
    },
  };
}

/** Rows that are settled by publishing one of them. */
interface PublishTask {
  readonly row: OutboxRow;
  readonly outboxIds: bigint[];
}

/** Tasks by key in the order of the rows. A pool has one task: its newest value says all that the older ones said. */
function lanesOf(rows: readonly OutboxRow[]): Iterable<readonly PublishTask[]> {
  const lanes = new Map<string, PublishTask[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const lane = lanes.get(key) ?? [];
    const only = lane[0];
    if (row.topic === 'pool' && only?.row.topic === 'pool') {
      const isNewer = row.view.level.version >= only.row.view.level.version;
      lane[0] = { row: isNewer ? row : only.row, outboxIds: [...only.outboxIds, row.outboxId] };
    } else {
      lane.push({ row, outboxIds: [row.outboxId] });
    }
    lanes.set(key, lane);
  }
  return lanes.values();
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

/**
 * Sends within a span of the trace that caused the row. A pool's row stands for many changes at once, so it only
 * hands on the trace of the first of them.
 */
async function traced(task: PublishTask, send: (traceparent: string) => Promise<void>): Promise<bigint[]> {
  const { row, outboxIds } = task;
  if (row.topic === 'pool') {
    await send(row.traceparent);
    return outboxIds;
  }
  const parent = contextOf(row.traceparent);
  const span = trace.getTracer(TRACER).startSpan(`publish ${row.topic}`, { kind: SpanKind.PRODUCER }, parent);
  span.setAttributes({ 'messaging.system': 'nats', 'messaging.operation.type': 'send' });
  try {
    await send(formatTraceparent(span.spanContext()));
    return outboxIds;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: describe(error) });
    throw error;
  } finally {
    span.end();
  }
}

function createSender({ stock, lowThreshold }: PublisherOptions) {
  const sendLastValues = async ({ lastValues }: PublishSession, view: StockView, context: PublishContext) => {
    const make = [
      (current: StockView) => stateMessage(current, context),
      (current: StockView): LastValueMessage | null => availabilityMessage(current, lowThreshold, context),
    ];
    const renewed = async () => (await stock.readPools([view.level]))[0];
    const settled = await Promise.allSettled(
      make.map(async (messageOf) => {
        const message = messageOf(view);
        if (message === null) return;
        await lastValues.write(message, async () => {
          const current = await renewed();
          return current === undefined ? null : messageOf(current);
        });
      }),
    );
    throwFirst(settled);
  };
  const sendRow = async (session: PublishSession, row: OutboxRow, context: PublishContext) => {
    const pending = messagesOf(row, context).map((message) => append(session.js, message));
    if (row.topic === 'pool') pending.push(sendLastValues(session, row.view, context));
    throwFirst(await Promise.allSettled(pending));
  };
  return { sendRow, sendLastValues };
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

/** A message id that is stored already is acknowledged as a duplicate, which is as good as stored. */
async function append(js: JetStreamClient, message: OutgoingMessage): Promise<void> {
  await js.publish(message.subject, message.payload, { headers: message.headers, timeout: PUBLISH_TIMEOUT_MS });
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
    latest = { connection, js, lastValues: createLastValueWriter(js, manager) };
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

function throwFirst(settled: readonly PromiseSettledResult<unknown>[]): void {
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
