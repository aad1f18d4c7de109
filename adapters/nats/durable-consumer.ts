import {
  type Consumer,
  type ConsumerConfig,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsLink } from './connection.ts';
import { pause } from './pause.ts';

/** How long one request for messages stays open, in milliseconds. */
const FETCH_EXPIRES_MS = 5_000;
const RETRY_DELAY_MS = 500;
const API_TIMEOUT_MS = 5_000;
const CONSUMER_EXISTS = 10_148;

export interface DurableConsumerOptions {
  readonly link: NatsLink;
  readonly stream: string;
  readonly config: Partial<ConsumerConfig> & { readonly durable_name: string; readonly max_ack_pending: number };
  /** Called for each message in the order of delivery; must not throw. */
  readonly onMessage: (message: JsMsg, connection: NatsConnection) => void;
  /** Called when the stream is missing; may create it. */
  readonly ensureStream?: () => Promise<void>;
  readonly log?: (message: string) => void;
}

/**
 * Hands over the messages of a durable pull consumer until the signal, through lost connections and deleted streams
 * and consumers. Never rejects.
 */
export async function consumeDurable(options: DurableConsumerOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await options.link.connected(signal);
      await options.ensureStream?.();
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
      await ensureConsumer(manager, options);
      const js = jetstream(connection, { timeout: API_TIMEOUT_MS });
      const consumer = await js.consumers.get(options.stream, options.config.durable_name);
      while (!signal.aborted && options.link.current() === connection) {
        await fetchOnce(consumer, connection, options, signal);
      }
    } catch (error) {
      if (!signal.aborted && options.link.isUp()) options.log?.(`${options.stream}: ${describe(error)}`);
      await pause(RETRY_DELAY_MS, signal);
    }
  }
}

async function fetchOnce(
  consumer: Consumer,
  connection: NatsConnection,
  { config, onMessage }: DurableConsumerOptions,
  signal: AbortSignal,
): Promise<void> {
  const messages = await consumer.fetch({ max_messages: config.max_ack_pending, expires: FETCH_EXPIRES_MS });
  const close = () => void messages.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    if (signal.aborted) close();
    for await (const message of messages) onMessage(message, connection);
  } finally {
    signal.removeEventListener('abort', close);
  }
}

async function ensureConsumer(manager: JetStreamManager, { stream, config }: DurableConsumerOptions): Promise<void> {
  try {
    await manager.consumers.add(stream, { ...config });
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_EXISTS) throw error;
    await manager.consumers.update(stream, config.durable_name, { ...config });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
