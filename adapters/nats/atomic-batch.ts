import { type BatchAck, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import type { OutgoingMessage } from './outgoing.ts';

/**
 * Messages from which on a batch pays: it costs the server about a millisecond of its own, and saves the client
 * a third of that for each ten messages.
 */
export const BATCH_MESSAGES_MIN = 32;

/** Messages of one batch; the server takes 1,000 at most. */
export const BATCH_MESSAGES_MAX = 500;

/** Bytes of payload in one batch, so that what the server keeps until the commit stays small. */
export const BATCH_BYTES_MAX = 4 * 1_048_576;

const PUBLISH_TIMEOUT_MS = 5_000;

/** Headers the client puts on the messages of a batch; one that is sent alone afterwards must not carry them. */
const BATCH_HEADERS = ['Nats-Batch-Id', 'Nats-Batch-Sequence', 'Nats-Batch-Commit'];

/** What the client says of an answer to a commit that stored nothing; its answer has no other sign. */
const NOT_STORED = /^batch didn't contain/;

/**
 * Stores all messages in one stream, or none: two round trips instead of one for each message.
 * @returns the acknowledgement, or null where the server refuses the batch, as it does when one of its messages is
 * stored already or expects another sequence than it finds
 * @throws what the client throws while NATS is away; then nobody knows whether they were stored
 */
export async function publishBatch(
  js: JetStreamClient,
  messages: readonly OutgoingMessage[],
): Promise<BatchAck | null> {
  const [first, ...rest] = messages;
  const last = rest.pop();
  if (first === undefined || last === undefined) throw new RangeError('a batch has at least two messages');
  try {
    const options = (message: OutgoingMessage) => ({ headers: message.headers, timeout: PUBLISH_TIMEOUT_MS });
    const batch = await js.startBatch(first.subject, first.payload, options(first));
    for (const message of rest) batch.add(message.subject, message.payload, { headers: message.headers });
    return await batch.commit(last.subject, last.payload, options(last));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return null;
  } finally {
    for (const { headers } of messages) strip(headers);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof JetStreamApiError || (error instanceof Error && NOT_STORED.test(error.message));
}

function strip(headers: MsgHdrs): void {
  for (const name of BATCH_HEADERS) headers.delete(name);
}

/** Cuts messages into batches, in order. */
export function inBatches<Item extends { readonly message: OutgoingMessage }>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = item.message.payload.byteLength;
    const batch = batches.at(-1);
    bytes += size;
    if (batch === undefined || batch.length >= BATCH_MESSAGES_MAX || bytes > BATCH_BYTES_MAX) {
      batches.push([item]);
      bytes = size;
    } else {
      batch.push(item);
    }
  }
  return batches;
}
