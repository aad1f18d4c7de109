import { setTimeout as sleep } from 'node:timers/promises';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { CallConnection } from './call-connection.ts';
import { countReserved } from './count-reserved.ts';
import { createRequestSource, type RequestShape } from './request-source.ts';

/** Refused calls in a row after which a load gives up: a broken server answers faster than a working one. */
const REFUSED_MAX = 1_000;

/** How long calls in flight may take to end after the last one has begun, in milliseconds. */
const END_MAX_MS = 15_000;

/** The most connections a load uses; callers share them evenly. */
const CONNECTIONS_MAX = 4;

export interface Load extends RequestShape {
  readonly port: number;
  /** Calls in flight; each caller begins its next call when the last one has ended. */
  readonly callers: number;
  /** Time under load before the measurement, in milliseconds. */
  readonly leadInMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  /** Reservations accepted in all, also outside the measured time. */
  readonly acceptedInAll: number;
  /** Requests sent in all. */
  readonly requestsInAll: number;
  /** Reservations accepted in the measured time. */
  readonly accepted: number;
  readonly measuredMs: number;
  /** Latency of the calls that ended in the measured time, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What this process itself used in the measured time, in microseconds. */
  readonly cpuUs: number;
}

/** Runs one load to its end. @throws Error where the server breaks off, refuses everything or does not end its calls */
export async function runLoad(load: Load): Promise<LoadResult> {
  const method = load.batchSize === 0 ? ReservationService.method.reserve : ReservationService.method.batchReserve;
  const path = `/${method.parent.typeName}/${method.name}`;
  const opening = Array.from({ length: Math.min(CONNECTIONS_MAX, load.callers) }, () =>
    CallConnection.open(load.port, path),
  );
  const connections = await Promise.all(opening);
  try {
    return await measure(load, connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function measure(load: Load, connections: readonly CallConnection[]): Promise<LoadResult> {
  const nextRequest = createRequestSource(load);
  const tally = { acceptedInAll: 0, calls: 0, inFlight: 0, accepted: 0, refusedInARow: 0, latencies: [] as number[] };
  const state = { isMeasuring: false, isEnding: false };
  const begin = (connection: CallConnection) => {
    const startedAt = performance.now();
    tally.calls += 1;
    tally.inFlight += 1;
    connection.call(nextRequest(), (message) => {
      tally.inFlight -= 1;
      const accepted = message === null ? 0 : load.batchSize === 0 ? 1 : countReserved(message);
      tally.acceptedInAll += accepted;
      tally.refusedInARow = accepted === 0 ? tally.refusedInARow + 1 : 0;
      if (state.isMeasuring) {
        tally.accepted += accepted;
        tally.latencies.push(performance.now() - startedAt);
      }
      if (!state.isEnding && tally.refusedInARow < REFUSED_MAX && connection.failure === null) begin(connection);
    });
  };
  for (let caller = 0; caller < load.callers; caller += 1) begin(connections[caller % connections.length]!);
  for (const connection of connections) connection.flush();
  await sleep(load.leadInMs);
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  state.isMeasuring = true;
  await sleep(load.measureMs);
  state.isMeasuring = false;
  const measuredMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  state.isEnding = true;
  await ended(tally);
  const failure = connections.find((connection) => connection.failure !== null)?.failure;
  if (failure !== undefined && failure !== null) throw failure;
  if (tally.refusedInARow >= REFUSED_MAX) throw new Error(`the server refused ${REFUSED_MAX} calls in a row`);
  const sorted = Float64Array.from(tally.latencies).sort();
  return {
    acceptedInAll: tally.acceptedInAll,
    requestsInAll: tally.calls * Math.max(1, load.batchSize),
    accepted: tally.accepted,
    measuredMs,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    cpuUs: cpu.user + cpu.system,
  };
}

async function ended(tally: { readonly inFlight: number }): Promise<void> {
  const deadline = performance.now() + END_MAX_MS;
  while (tally.inFlight > 0) {
    if (performance.now() > deadline) throw new Error(`${tally.inFlight} calls did not end in ${END_MAX_MS} ms`);
    await sleep(5);
  }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
