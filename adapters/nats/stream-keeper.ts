import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import type { NatsLink } from './connection.ts';
import { pause } from './pause.ts';
import { driftOf, FIXED_STREAMS, inboundStream, type StreamSpec } from './streams.ts';

const CHECK_INTERVAL_MS = 5_000;
const API_TIMEOUT_MS = 5_000;

export interface StreamKeeperOptions {
  readonly link: NatsLink;
  /** Every warehouse; each connected system gets an inbound stream. */
  readonly warehouses: () => Promise<readonly Warehouse[]>;
  readonly log?: (message: string) => void;
}

/** Keeps every stream of the contract there and configured as it should be. */
export interface StreamKeeper {
  /** Creates and repairs what is missing when called; waiting calls share one check. @throws while NATS is away */
  ensure(): Promise<void>;
  stop(): Promise<void>;
}

/** Checks when the connection comes up, and every few seconds. */
export function startStreamKeeper(options: StreamKeeperOptions): StreamKeeper {
  const stopping = new AbortController();
  const ensure = inTurns(() => ensureOnce(options));
  const loop = keepChecking(options, ensure, stopping.signal);
  return {
    ensure,
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

/** Runs one at a time. A call meanwhile waits for a run that starts after it, together with all others that wait. */
function inTurns(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = () => {
    const current = run().finally(() => {
      if (running === current) running = null;
    });
    running = current;
    return current;
  };
  return () => {
    if (running === null) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        return start();
      });
    return next;
  };
}

async function keepChecking(options: StreamKeeperOptions, ensure: () => Promise<void>, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      await options.link.connected(signal);
      await ensure();
    } catch (error) {
      if (!signal.aborted && options.link.isUp()) options.log?.(`streams could not be checked: ${describe(error)}`);
    }
    await pause(CHECK_INTERVAL_MS, signal, false);
  }
}

async function ensureOnce({ link, warehouses, log }: StreamKeeperOptions): Promise<void> {
  const connection = link.current();
  if (connection === null) throw new Error('NATS is away');
  const systems = [...new Set((await warehouses()).map((warehouse) => warehouse.wms).filter((wms) => wms !== ''))];
  await ensureStreams(connection, [...FIXED_STREAMS, ...systems.map(inboundStream)], log);
}

/**
 * Creates the streams that are missing and puts right those that differ.
 * @throws AggregateError naming each stream that could be neither, after all were tried
 */
export async function ensureStreams(
  connection: NatsConnection,
  specs: readonly StreamSpec[],
  log?: (message: string) => void,
): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
  const failures: Error[] = [];
  for (const spec of specs) {
    try {
      const done = await ensureStream(manager, spec);
      if (done !== '') log?.(`stream ${spec.name} ${done}`);
    } catch (error) {
      failures.push(new Error(`stream ${spec.name}: ${describe(error)}`, { cause: error }));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
}

async function ensureStream(manager: JetStreamManager, spec: StreamSpec): Promise<string> {
  try {
    const { config } = await manager.streams.info(spec.name);
    const drift = driftOf(spec, config);
    if (drift.length === 0) return '';
    await manager.streams.update(spec.name, spec);
    return `repaired: ${drift.join(', ')}`;
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
    await manager.streams.add(spec);
    return 'created';
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
