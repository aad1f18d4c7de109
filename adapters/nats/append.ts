import type { JetStreamClient } from '@nats-io/jetstream';
import { BATCH_MESSAGES_MIN, inBatches, publishBatch } from './atomic-batch.ts';
import { runInLanes } from './keyed-lanes.ts';
import type { OutgoingMessage } from './outgoing.ts';

/** Messages sent at the same time where they are sent one by one. */
const IN_FLIGHT_MAX = 128;
const PUBLISH_TIMEOUT_MS = 5_000;

/** One message for a stream that keeps every message. */
export interface Appended {
  readonly message: OutgoingMessage;
  /** Messages of one lane are stored in the order given. */
  readonly lane: string;
  /** Told why it was not stored, or that nobody knows. */
  fail(error: unknown): void;
}

/**
 * Appends messages to one stream, many of them as batches and few of them one by one. Where a batch is refused, as it is when one of its messages was stored
 * before, its messages go one by one: the server acknowledges those as duplicates, which is as good as stored.
 */
export async function appendAll(
  js: JetStreamClient,
  appended: readonly Appended[],
  signal: AbortSignal,
): Promise<void> {
  for (const batch of inBatches(appended)) {
    try {
      signal.throwIfAborted();
      const messages = batch.map((each) => each.message);
      const isStored = messages.length >= BATCH_MESSAGES_MIN && (await publishBatch(js, messages)) !== null;
      if (!isStored) await appendOneByOne(js, batch, signal);
    } catch (error) {
      for (const each of batch) each.fail(error);
    }
  }
}

async function appendOneByOne(js: JetStreamClient, appended: readonly Appended[], signal: AbortSignal): Promise<void> {
  const lanes = Map.groupBy(appended, (each) => each.lane);
  const pending = new Set(appended);
  const { failure } = await runInLanes(lanes.values(), IN_FLIGHT_MAX, signal, async (each) => {
    const { subject, payload, headers } = each.message;
    await js.publish(subject, payload, { headers, timeout: PUBLISH_TIMEOUT_MS });
    pending.delete(each);
  });
  for (const each of pending) each.fail(failure ?? signal.reason);
}
