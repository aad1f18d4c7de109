import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import pg from 'pg';
import { maskUrl, readEnv } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { endDecisionSpan, runInSpan, startDecisionSpan, startUnitSpan } from '../../src/observability/spans.ts';
import { createObservability } from '../../src/observability.ts';
import { metricsHandler, shutdownTelemetry } from '../../src/telemetry.ts';

/** Run with `--import` of the telemetry: one unit of three commands with a query, then prints what it saw as JSON. */
const databaseUrl = readEnv().databaseUrl ?? '';
const logger = createLogger('debug');
const observability = createObservability(logger);

async function runUnit(): Promise<{ traceId: string; followerTraceIds: string[] }> {
  const tracer = trace.getTracer('test');
  const calls = ['first', 'second', 'third'].map((name) => tracer.startSpan(`call ${name}`, { root: true }));
  const [first, ...followers] = calls.map((call) => call.spanContext());
  const unit = startUnitSpan(first ?? null, calls.length);
  await runInSpan(unit, async () => {
    await queryDatabase();
    logger.info('started', { databaseUrl, url: maskUrl(databaseUrl), password: databaseUrl });
    logger.error('failed', { error: new Error(`cannot reach ${databaseUrl}`) });
    observability.recordUnit({ commands: 3, lines: 3, refused: 1, durationMs: 4, attempt: 1 });
  });
  for (const parent of followers) endDecisionSpan(startDecisionSpan(parent, unit.spanContext(), 'reserve'), 'NO_STOCK');
  unit.end();
  for (const call of calls) call.end();
  return { traceId: unit.spanContext().traceId, followerTraceIds: followers.map((each) => each.traceId) };
}

async function queryDatabase(): Promise<void> {
  if (databaseUrl === '') return;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select 41 + $1::int as answer', [1]);
  } finally {
    await client.end();
  }
}

function recordEverything(): void {
  observability.recordRpc('Reserve', 'OK', 3);
  observability.recordUnitFailure('40P01', 2, 1);
  observability.recordReservation('reserved');
  observability.recordRefusal('reserve', 'NO_STOCK');
  observability.recordExpiry(12, 6_000);
  observability.recordRelayPublish('reservation', 7, 5);
  observability.recordInbound('pick-started', 'ACCEPTED');
  observability.recordLedgerDrift(0);
  observability.observeQueue(() => 5);
  observability.observeOutbox(async () => ({ rows: 9, oldestAgeMs: 1_500 }));
  observability.observeStreams(() => ({ availability: 2 }));
}

async function readMetrics(): Promise<{ contentType: string; metrics: string }> {
  const server = createServer(metricsHandler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  const metrics = await response.text();
  server.close();
  server.closeAllConnections();
  return { contentType: response.headers.get('content-type') ?? '', metrics };
}

recordEverything();
const unit = await runUnit();
const scraped = await readMetrics();
const startedAt = performance.now();
const isShutDown = await shutdownTelemetry();
const shutdownMs = performance.now() - startedAt;
process.stdout.write(`${JSON.stringify({ ...unit, ...scraped, isShutDown, shutdownMs })}\n`, () => {
  if (!isShutDown) process.exit(0);
});
