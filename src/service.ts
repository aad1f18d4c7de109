import { compileRule } from '../adapters/cel/compile-rule.ts';
import { startExchangeInbox } from '../adapters/exchange/inbox.ts';
import { connectNats } from '../adapters/nats/connection.ts';
import { createPublisher } from '../adapters/nats/publisher.ts';
import { createRefillTarget } from '../adapters/nats/refill-target.ts';
import { startStreamKeeper } from '../adapters/nats/stream-keeper.ts';
import { startWarehouseInbox } from '../adapters/wms/inbox.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { createObservability, type Observability } from './observability.ts';
import { type Engine, openEngine } from './persistence/engine.ts';
import { migrate } from './persistence/migrate.ts';
import { NOTIFICATION_RETENTION_MS } from './persistence/notifications.ts';
import { OUTBOX_RETENTION_MS } from './persistence/outbox.ts';
import { REFUSAL_RETENTION_MS } from './persistence/refusals.ts';
import { FACT_RETENTION_MS } from './persistence/request-facts.ts';
import { pause, SYSTEM_CLOCK, SYSTEM_IDS, systemRandom } from './runtime.ts';
import { metricsHandler } from './telemetry.ts';
import { authenticateNobody } from './transport/authentication.ts';
import { startConnectDoor } from './transport/connect-door.ts';
import { startGrpcDoor } from './transport/grpc-door.ts';
import { createRpcs } from './transport/handlers.ts';
import type { Readiness } from './transport/http-pages.ts';
import { createPipeline } from './transport/pipeline.ts';
import { createFeeds } from './workers/availability-feed.ts';
import { startCheckpointer } from './workers/checkpointer.ts';
import { startExpiry } from './workers/expiry.ts';
import { startExpiryWarning } from './workers/expiry-warning.ts';
import { keepLastValuesFilled } from './workers/last-value-refill.ts';
import { startOutboxRelay } from './workers/outbox-relay.ts';
import { startRetention } from './workers/retention.ts';
import { startRuleFollower } from './workers/rule-follower.ts';
import { startShortages } from './workers/shortages.ts';
import { startWaitlist } from './workers/waitlist.ts';

export interface ServiceSettings extends Pick<Config, 'host' | 'grpcPort' | 'httpPort'> {
  readonly databaseUrl: string;
  readonly natsUrl: string;
}

/** One running process of the service, without the servers it may have been given. */
export interface Service {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly engine: Engine;
  /** Refuses new calls, finishes the running ones, then stops the workers; at most about 24 s. */
  stop(): Promise<void>;
}

/** How long running calls may take once a stop was asked for, in milliseconds. */
const GRACE_MS = 10_000;

/** How long callers are told to go elsewhere before the doors close, in milliseconds. */
const DRAIN_MS = 250;

/** How long each further part of a stop may take, in milliseconds; what is not done by then ends with the process. */
const PART_STOP_MAX_MS = 4_500;

/** Migrates the database and starts everything one process does: doors, relay, inbox, expiry, waitlist, retention, checkpoints, feeds. */
export async function startService(settings: ServiceSettings, logger: Logger): Promise<Service> {
  await migrate(settings.databaseUrl, (error) => logger.warn('database-away', { error }));
  const observability = createObservability(logger);
  const wakes: (() => void)[] = [];
  const engine = await openEngine(settings.databaseUrl, {
    ids: SYSTEM_IDS,
    compileRule,
    random: systemRandom,
    monotonicMs: () => performance.now(),
    pause,
    observability,
    onCommit: () => {
      for (const wake of wakes) wake();
    },
  });
  const failed = (worker: string) => (error: unknown) => logger.warn('worker-failed', { worker, error });
  const feeds = createFeeds({
    changes: engine.changes,
    stock: engine.stock,
    reservations: engine.reservations,
    onFailure: failed('feeds'),
  });
  wakes.push(() => feeds.wake());
  const warehouseSide = startWarehouseSide(settings.natsUrl, engine, observability, logger);
  wakes.push(() => warehouseSide.wake());
  const clockSide = startClockSide(engine, observability, logger);
  const stopObserving = [
    observability.observeQueue(() => engine.unitOfWork.depth),
    observability.observeOutbox(() => engine.outbox.backlog()),
  ];
  const stopBehindDoors = async () => {
    const part = (name: string, work: Promise<unknown>) =>
      finish(work, () => logger.warn('stop-unfinished', { part: name }));
    const workers = [clockSide.stop(), warehouseSide.stop(), feeds.stop()];
    await part('workers', Promise.all(workers));
    for (const end of stopObserving) end();
    await part('engine', engine.close());
    await part('warehouse-side', warehouseSide.disconnect());
  };
  const opening = openDoors(settings, engine, feeds, observability, logger, warehouseSide.isUp);
  const doors = await opening.catch(async (error: unknown) => {
    await stopBehindDoors();
    throw error;
  });
  return {
    grpcPort: doors.grpcPort,
    httpPort: doors.httpPort,
    engine,
    async stop() {
      await doors.stop();
      await stopBehindDoors();
    },
  };
}

/** The door, or its failure with the variable to set where another program has the port. */
async function opened<Door>(door: Promise<Door>, host: string, port: number, variable: string): Promise<Door> {
  return door.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    const remedy = `set ${variable} to another one, or to 0 for a free one`;
    throw new Error(`port ${port} of ${host} is taken; ${remedy}`, { cause: error });
  });
}

/** Waits for a part of a stop, but not for a dependency that has fallen silent. */
async function finish(work: Promise<unknown>, onLate: () => void): Promise<void> {
  const done = new AbortController();
  const late = pause(PART_STOP_MAX_MS, done.signal).then(onLate, () => undefined);
  await Promise.race([work.finally(() => done.abort()), late]);
}

async function openDoors(
  settings: ServiceSettings,
  engine: Engine,
  feeds: ReturnType<typeof createFeeds>,
  observability: Observability,
  logger: Logger,
  isNatsUp: () => boolean,
) {
  const pipeline = createPipeline({
    authenticate: authenticateNobody,
    observe: (rpc, code, durationMs) => observability.recordRpc(rpc, code, durationMs),
    reportBug: (rpc, error) => logger.error('bug', { rpc, error }),
    now: SYSTEM_CLOCK.now,
  });
  const rpcs = createRpcs({
    ...engine,
    ids: SYSTEM_IDS,
    availabilityFeed: feeds.availability,
    reservationFeed: feeds.reservations,
  });
  const readiness = async (): Promise<Readiness> => {
    if (pipeline.isDraining()) return { ready: false, missing: ['draining'] };
    const isDatabaseUp = await engine.ping().then(
      () => true,
      () => false,
    );
    // NATS being away fails no request, so it is named and logged but does not take the process out of service.
    if (!isNatsUp()) logger.warn('nats-away');
    return isDatabaseUp ? { ready: true } : { ready: false, missing: ['database'] };
  };
  const listening = { host: settings.host, pipeline, rpcs };
  const { host, grpcPort, httpPort } = settings;
  const grpc = await opened(startGrpcDoor({ ...listening, port: grpcPort }), host, grpcPort, 'EARMARK_GRPC_PORT');
  const opening = startConnectDoor({ ...listening, port: httpPort, readiness, metrics: metricsHandler });
  const http = await opened(opening, host, httpPort, 'EARMARK_HTTP_PORT').catch(async (error: unknown) => {
    await grpc.stop(0);
    throw error;
  });
  grpc.setServing(true);
  return {
    grpcPort: grpc.port,
    httpPort: http.port,
    async stop() {
      grpc.setServing(false);
      pipeline.drain();
      await pause(DRAIN_MS);
      pipeline.endStreams();
      await Promise.all([grpc.stop(GRACE_MS), http.stop(GRACE_MS)]);
    },
  };
}

/** Everything that happens by the clock and not by a call. */
function startClockSide(engine: Engine, observability: Observability, logger: Logger) {
  const onFailure = (worker: string) => (error: unknown) => logger.warn('worker-failed', { worker, error });
  const expiry = startExpiry({
    ...engine,
    pause,
    random: systemRandom,
    onSwept: (latenessesMs) => observability.recordExpiry(...latenessesMs),
    onFailure: onFailure('expiry'),
  });
  const expiryWarning = startExpiryWarning({ ...engine, pause, onFailure: onFailure('expiry-warning') });
  const retention = startRetention({
    outbox: engine.outbox,
    keepMs: OUTBOX_RETENTION_MS,
    refusals: engine.refusals,
    keepRefusalsMs: REFUSAL_RETENTION_MS,
    notifications: engine.notifications,
    keepNotificationsMs: NOTIFICATION_RETENTION_MS,
    cases: engine.cases,
    keepFactsMs: FACT_RETENTION_MS,
    pause,
    onFailure: onFailure('retention'),
  });
  const checkpointer = startCheckpointer({
    checkpoints: engine.checkpoints,
    pause,
    onCheckpoint: (checkpoint) => observability.recordCheckpoint(checkpoint),
    onFailure: onFailure('checkpointer'),
  });
  const ruleFollower = startRuleFollower({
    ...engine,
    monotonicMs: () => performance.now(),
    pause,
    onFailure: onFailure('rule-follower'),
  });
  const waitlist = startWaitlist({ ...engine, pause, onFailure: onFailure('waitlist') });
  const shortages = startShortages({ ...engine, pause, onFailure: onFailure('shortages') });
  const loops = [expiry, expiryWarning, retention, checkpointer, ruleFollower, waitlist, shortages];
  return { stop: () => Promise.all(loops.map((loop) => loop.stop())) };
}

/** The relay out to the warehouses and the inbox back, over one connection that is made again for ever. */
function startWarehouseSide(natsUrl: string, engine: Engine, observability: Observability, logger: Logger) {
  const log = (message: string) => logger.info('nats', { message });
  const link = connectNats({ url: natsUrl, name: 'earmark', random: systemRandom, log });
  const warehouses = () => engine.stock.warehouses();
  const keeper = startStreamKeeper({ link, warehouses, log });
  const publisher = createPublisher({
    link,
    stock: engine.stock,
    ensureStreams: keeper.ensure,
    log,
  });
  const relay = startOutboxRelay({
    outbox: engine.outbox,
    publisher,
    isBusy: () => engine.unitOfWork.isBusy,
    whileLeading: (epoch, signal) =>
      keepLastValuesFilled({ target: createRefillTarget(publisher), stock: engine.stock }, epoch, signal),
    report: (event) => {
      if (event.kind === 'published') observability.recordRelayPublish(event.topic, event.count, event.durationMs);
      else if (event.kind === 'failed') logger.warn('relay-failed', { error: event.error });
    },
  });
  const listening = {
    link,
    ensureStreams: keeper.ensure,
    unitOfWork: engine.unitOfWork,
    report: (event: string, result: string) => observability.recordInbound(event, result),
    log,
  };
  const inboxes = [startWarehouseInbox({ ...listening, warehouses }), startExchangeInbox(listening)];
  return {
    isUp: link.isUp,
    wake: relay.wake,
    stop: async () => {
      await Promise.all(inboxes.map((inbox) => inbox.stop()));
      await relay.stop();
      await keeper.stop();
    },
    disconnect: () => link.close(),
  };
}
