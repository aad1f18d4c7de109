import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { createLogger } from '../../src/log.ts';
import { createObservability } from '../../src/observability.ts';
import { type Engine, openEngine } from '../../src/persistence/engine.ts';
import { authenticateNobody } from '../../src/transport/authentication.ts';
import { startConnectDoor } from '../../src/transport/connect-door.ts';
import { type GrpcDoor, startGrpcDoor } from '../../src/transport/grpc-door.ts';
import { createRpcs } from '../../src/transport/handlers.ts';
import type { Readiness } from '../../src/transport/http-pages.ts';
import { createPipeline, type Pipeline } from '../../src/transport/pipeline.ts';
import { createStreamSlots } from '../../src/transport/stream-slots.ts';
import { createFeeds } from '../../src/workers/availability-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Both doors over a real database of their own, in this process so that a test can watch the inside. */
export interface WireService {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly engine: Engine;
  readonly database: TestDatabase;
  readonly pipeline: Pipeline;
  readonly grpc: GrpcDoor;
  /** `Method CODE` of each finished call. */
  readonly finished: string[];
  openStreams(): number;
  /** Bugs of ours that were reported. */
  readonly bugs: unknown[];
  closeDoors(graceMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param streamsMax how many streams may be open at a time */
export async function startWireService(streamsMax = 50): Promise<WireService> {
  const database = await createTestDatabase('wire');
  const ids = { uuid: () => v7(), randomBytes: (length: number) => randomBytes(length) };
  const wakes: (() => void)[] = [];
  const engine = await openEngine(database.url, {
    ids,
    compileRule,
    random: () => 0.5,
    monotonicMs: () => performance.now(),
    pause: (ms: number) => sleep(ms),
    observability: createObservability(createLogger('error')),
    onCommit: () => {
      for (const wake of wakes) wake();
    },
  });
  const feeds = createFeeds(engine);
  wakes.push(feeds.wake);
  const finished: string[] = [];
  const slots = createStreamSlots(streamsMax, streamsMax);
  const bugs: unknown[] = [];
  const pipeline = createPipeline({
    authenticate: authenticateNobody,
    observe: (rpc, code) => finished.push(`${rpc} ${code}`),
    reportBug: (_rpc, error) => bugs.push(error),
    now: () => Date.now(),
    streamSlots: slots,
  });
  const rpcs = createRpcs({
    ...engine,
    ids,
    availabilityFeed: feeds.availability,
    reservationFeed: feeds.reservations,
  });
  const readiness = (): Readiness =>
    pipeline.isDraining() ? { ready: false, missing: ['draining'] } : { ready: true };
  const listening = { host: '127.0.0.1', port: 0, pipeline, rpcs };
  const grpc = await startGrpcDoor(listening);
  const http = await startConnectDoor({
    ...listening,
    readiness,
    metrics: (_request, response) => response.end('# no metrics\n'),
  });
  let closed: Promise<unknown> | null = null;
  const closeDoors = async (graceMs: number) => {
    closed ??= Promise.all([grpc.stop(graceMs), http.stop(graceMs)]);
    await closed;
  };
  return {
    grpcPort: grpc.port,
    httpPort: http.port,
    engine,
    database,
    pipeline,
    grpc,
    finished,
    openStreams: () => slots.open(),
    bugs,
    closeDoors,
    async stop() {
      pipeline.drain();
      pipeline.endStreams();
      await closeDoors(500);
      await feeds.stop();
      await engine.close();
      await database.drop();
    },
  };
}
