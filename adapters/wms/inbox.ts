import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import type { NatsLink } from '../nats/connection.ts';
import { consumeDurable } from '../nats/durable-consumer.ts';
import { inStreamName } from '../nats/subjects.ts';
import { DEFAULT_PATIENCE, type HandlerDeps, openDelivery } from './handle-message.ts';

/** The durable consumer all processes share. */
const CONSUMER_NAME = 'earmark';
/** Messages of one warehouse system that are in hand at a time. */
export const ACK_PENDING_MAX = 256;
const NANOS_PER_MS = 1_000_000;
/** How long the server waits for each acknowledgement, by delivery; the last one for all later deliveries. */
const ACK_WAITS_MS = [30_000, 60_000];
/** Well below the shortest wait: a message that waits for its turn is not delivered again. */
const STILL_WORKING_INTERVAL_MS = 10_000;
/** How soon a warehouse system that was added is listened to. */
const FOLLOW_INTERVAL_MS = 2_000;
/** How long messages in hand may still take once shutdown was asked for. */
const STOP_DEADLINE_MS = 5_000;

export interface WarehouseInboxDeps extends HandlerDeps {
  readonly link: NatsLink;
  readonly warehouses: () => Promise<readonly Warehouse[]>;
  /** Creates the inbound streams of all connected warehouse systems. */
  readonly ensureStreams: () => Promise<void>;
}

export interface WarehouseInbox {
  /** Takes no more messages, finishes those in hand within a deadline and hands the rest back; never rejects. */
  stop(): Promise<void>;
}

/** Listens to every connected warehouse system, also to those that are added later. */
export function startWarehouseInbox(deps: WarehouseInboxDeps): WarehouseInbox {
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const running = follow(deps, stopping.signal, giveUp.signal);
  return {
    stop: async () => {
      stopping.abort();
      const late = setTimeout(() => giveUp.abort(), STOP_DEADLINE_MS);
      await running;
      clearTimeout(late);
    },
  };
}

async function follow(deps: WarehouseInboxDeps, stopping: AbortSignal, giveUp: AbortSignal): Promise<void> {
  const listeners = new Map<string, Promise<void>>();
  while (!stopping.aborted) {
    try {
      for (const { wms } of await deps.warehouses()) {
        if (wms !== '' && !listeners.has(wms)) listeners.set(wms, listen(deps, wms, stopping, giveUp));
      }
    } catch (error) {
      deps.log?.(`the warehouses could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(FOLLOW_INTERVAL_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
  await Promise.all(listeners.values());
}

async function listen(deps: WarehouseInboxDeps, wms: string, stopping: AbortSignal, giveUp: AbortSignal) {
  const inHand = new Map<JsMsg, Promise<void>>();
  const lastOfKey = new Map<string, Promise<void>>();
  const ticker = setInterval(() => {
    for (const message of inHand.keys()) message.working();
  }, STILL_WORKING_INTERVAL_MS);

  const onMessage = (message: JsMsg, connection: NatsConnection) => {
    const delivery = openDelivery(deps, wms, message, connection);
    const before = lastOfKey.get(delivery.key) ?? Promise.resolve();
    const done = before.then(() => delivery.handle(giveUp));
    lastOfKey.set(delivery.key, done);
    const settled = done.finally(() => {
      inHand.delete(message);
      if (lastOfKey.get(delivery.key) === done) lastOfKey.delete(delivery.key);
    });
    inHand.set(message, settled);
  };
  const { link, ensureStreams, log } = deps;
  await consumeDurable(
    {
      link,
      stream: inStreamName(wms),
      config: { ...CONSUMER, max_deliver: (deps.patience ?? DEFAULT_PATIENCE).deliveriesMax },
      onMessage,
      ensureStream: ensureStreams,
      ...(log === undefined ? {} : { log }),
    },
    stopping,
  );
  await Promise.all(inHand.values());
  clearInterval(ticker);
}

const CONSUMER = {
  durable_name: CONSUMER_NAME,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: (ACK_WAITS_MS[0] ?? 0) * NANOS_PER_MS,
  backoff: ACK_WAITS_MS.map((waitMs) => waitMs * NANOS_PER_MS),
  max_ack_pending: ACK_PENDING_MAX,
} satisfies Partial<ConsumerConfig>;
