import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsLink } from './connection.ts';
import { DEFAULT_PATIENCE, type Delivery, type Patience } from './delivery.ts';
import { consumeDurable } from './durable-consumer.ts';

/** Messages of one stream that are in hand at a time. */
const ACK_PENDING_MAX = 256;
const NANOS_PER_MS = 1_000_000;
/** How long the server waits for each acknowledgement, by delivery; the last one for all later deliveries. */
const ACK_WAITS_MS = [30_000, 60_000];
/** Well below the shortest wait: a message that waits for its turn is not delivered again. */
const STILL_WORKING_INTERVAL_MS = 10_000;
/** How long messages in hand may still take once shutdown was asked for. */
const STOP_DEADLINE_MS = 5_000;

export interface ListenOptions {
  readonly link: NatsLink;
  readonly stream: string;
  /** The durable consumer, which all processes share. */
  readonly consumer: string;
  /** The subjects listened to; all of the stream where absent. */
  readonly filter?: string;
  readonly patience?: Patience | undefined;
  /** Reads a message; must not throw. */
  readonly open: (message: JsMsg, connection: NatsConnection) => Delivery;
  /** Called when the stream is missing; may create it. */
  readonly ensureStreams: () => Promise<void>;
  readonly log?: ((message: string) => void) | undefined;
}

export interface Listener {
  /** Takes no more messages, finishes those in hand within a deadline and hands the rest back; never rejects. */
  stop(): Promise<void>;
}

/** @param run listens until the first signal, and lets go of what is in hand at the second */
export function startListener(run: (stopping: AbortSignal, giveUp: AbortSignal) => Promise<void>): Listener {
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const running = run(stopping.signal, giveUp.signal);
  return {
    stop: async () => {
      stopping.abort();
      const late = setTimeout(() => giveUp.abort(), STOP_DEADLINE_MS);
      await running;
      clearTimeout(late);
    },
  };
}

/** Handles the messages of a stream, those of one key one after the other. Never rejects. */
export async function listenInOrder(options: ListenOptions, stopping: AbortSignal, giveUp: AbortSignal): Promise<void> {
  const inHand = new Map<JsMsg, Promise<void>>();
  const lastOfKey = new Map<string, Promise<void>>();
  const ticker = setInterval(() => {
    for (const message of inHand.keys()) message.working();
  }, STILL_WORKING_INTERVAL_MS);

  const onMessage = (message: JsMsg, connection: NatsConnection) => {
    const delivery = options.open(message, connection);
    const before = lastOfKey.get(delivery.key) ?? Promise.resolve();
    const done = before.then(() => delivery.handle(giveUp));
    lastOfKey.set(delivery.key, done);
    const settled = done.finally(() => {
      inHand.delete(message);
      if (lastOfKey.get(delivery.key) === done) lastOfKey.delete(delivery.key);
    });
    inHand.set(message, settled);
  };
  const { link, stream, consumer, filter, patience, ensureStreams, log } = options;
  const { deliveriesMax } = patience ?? DEFAULT_PATIENCE;
  const filtered = filter === undefined ? {} : { filter_subject: filter };
  await consumeDurable(
    {
      link,
      stream,
      config: { ...CONSUMER, durable_name: consumer, ...filtered, max_deliver: deliveriesMax },
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
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: (ACK_WAITS_MS[0] ?? 0) * NANOS_PER_MS,
  backoff: ACK_WAITS_MS.map((waitMs) => waitMs * NANOS_PER_MS),
  max_ack_pending: ACK_PENDING_MAX,
} satisfies Partial<ConsumerConfig>;
