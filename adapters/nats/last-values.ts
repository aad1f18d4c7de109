import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import { BATCH_MESSAGES_MIN, inBatches, publishBatch } from './atomic-batch.ts';
import { runInLanes } from './keyed-lanes.ts';
import type { LastValueMessage } from './outgoing.ts';
import { Remembered } from './remembered.ts';

/** Pools whose stored value is remembered; beyond that the oldest are read again. */
const REMEMBERED_MAX = 100_000;
/** How often another writer may come first before the attempt counts as failed. */
const CONFLICTS_MAX = 8;
const PUBLISH_TIMEOUT_MS = 5_000;
/** Values read or sent at the same time where that is done one by one. */
const IN_FLIGHT_MAX = 128;
/** Stores a message only where the last one on its subject has this sequence. */
const EXPECTED_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence';

/** What a stream holds for a subject. Sequence 0 means nothing. */
interface Stored {
  readonly sequence: number;
  readonly epoch: bigint;
  readonly version: bigint;
}

const NOTHING: Stored = { sequence: 0, epoch: -1n, version: -1n };

/** One last value to be stored. */
export interface LastValue {
  readonly message: LastValueMessage;
  /**
   * The pool's present value: where an earlier epoch stored a higher version than this one has, either this one is late
   * or numbering began anew, and only the database knows which.
   */
  renew(): Promise<LastValueMessage | null>;
  /** Told why it was not stored, or that nobody knows. */
  fail(error: unknown): void;
}

/** Publishes last values so that the stored one never goes backwards, whoever else publishes at the same time. */
export class LastValueWriter {
  readonly #js: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #memory = new Remembered<Stored>(REMEMBERED_MAX);

  constructor(js: JetStreamClient, manager: JetStreamManager) {
    this.#js = js;
    this.#manager = manager;
  }

  /** Takes over what a subject was seen to hold, null for nothing, so that it is not read again. */
  learn(subject: string, stored: StoredMsg | null): void {
    this.#memory.set(subject, stored === null ? NOTHING : storedOf(stored));
  }

  /** Stores each value unless the same or a newer one, by (epoch, version), is there. At most one of each subject. */
  async write(values: readonly LastValue[], signal: AbortSignal): Promise<void> {
    const streams = Map.groupBy(values, (value) => value.message.stream);
    await Promise.all([...streams.values()].map((ofStream) => this.#writeStream(ofStream, signal)));
  }

  /** Many as batches where nothing speaks against it, few and the rest one by one. */
  async #writeStream(values: readonly LastValue[], signal: AbortSignal): Promise<void> {
    const together: LastValue[] = [];
    const alone: LastValue[] = [];
    await each(values, signal, async (value) => {
      const stored = await this.#known(value.message);
      if (isNewer(value.message, stored)) (value.message.version < stored.version ? alone : together).push(value);
    });
    for (const batch of inBatches(together)) {
      try {
        signal.throwIfAborted();
        if (batch.length < BATCH_MESSAGES_MIN || !(await this.#writeTogether(batch))) alone.push(...batch);
      } catch (error) {
        for (const value of batch) value.fail(error);
      }
    }
    await each(alone, signal, (value) => this.#writeOne(value));
  }

  /** Whether all were stored; where not, another writer came first, or what was remembered is not so any more. */
  async #writeTogether(values: readonly LastValue[]): Promise<boolean> {
    const messages = values.map((value) => value.message);
    for (const { subject, headers } of messages) {
      headers.set(EXPECTED_SEQUENCE, String(this.#memory.get(subject)?.sequence ?? NOTHING.sequence));
    }
    const ack = await publishBatch(this.#js, messages);
    for (const [at, message] of messages.entries()) {
      message.headers.delete(EXPECTED_SEQUENCE);
      if (ack === null) this.#memory.delete(message.subject);
      else this.#memory.set(message.subject, storedAt(message, ack.seq - messages.length + 1 + at));
    }
    return ack !== null;
  }

  async #writeOne({ message: first, renew }: LastValue): Promise<void> {
    let message = first;
    let isRenewed = false;
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
      const stored = await this.#known(message);
      if (!isNewer(message, stored)) return;
      if (!isRenewed && message.version < stored.version) {
        const renewed = await renew();
        if (renewed === null) return;
        message = renewed;
        isRenewed = true;
        continue;
      }
      const sequence = await publishExpecting(this.#js, message, stored.sequence);
      if (sequence !== null) return this.#memory.set(message.subject, storedAt(message, sequence));
      this.#memory.delete(message.subject);
    }
    throw new Error(`${CONFLICTS_MAX} conflicts in a row on ${message.subject}`);
  }

  async #known(message: LastValueMessage): Promise<Stored> {
    const stored = this.#memory.get(message.subject) ?? (await readStored(this.#manager, message));
    this.#memory.set(message.subject, stored);
    return stored;
  }
}

/** Runs for each value, some at a time; one that fails, or is not come to, is told so. */
async function each(values: readonly LastValue[], signal: AbortSignal, run: (value: LastValue) => Promise<void>) {
  const lanes = values.map((value) => [value]);
  await runInLanes(lanes, IN_FLIGHT_MAX, signal, (value) => run(value).catch((error: unknown) => value.fail(error)));
  if (signal.aborted) for (const value of values) value.fail(signal.reason);
}

function storedAt({ epoch, version }: LastValueMessage, sequence: number): Stored {
  return { sequence, epoch, version };
}

function isNewer(message: LastValueMessage, stored: Stored): boolean {
  if (message.epoch !== stored.epoch) return message.epoch > stored.epoch;
  return message.version > stored.version;
}

/** The sequence it was stored at, or null where the subject's last sequence is another one. */
async function publishExpecting(js: JetStreamClient, message: LastValueMessage, expected: number) {
  try {
    const ack = await js.publish(message.subject, message.payload, {
      headers: message.headers,
      expect: { lastSubjectSequence: expected, streamName: message.stream },
      timeout: PUBLISH_TIMEOUT_MS,
    });
    return ack.duplicate ? null : ack.seq;
  } catch (error) {
    if (isWrongSequence(error)) return null;
    throw error;
  }
}

/** Asks the leader, for a replica may lag behind and make the same conflict happen again. */
async function readStored(manager: JetStreamManager, { stream, subject }: LastValueMessage): Promise<Stored> {
  try {
    const stored = await manager.streams.getMessage(stream, { last_by_subj: subject });
    return stored === null ? NOTHING : storedOf(stored);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return NOTHING;
    throw error;
  }
}

/** A value that cannot be read counts as older than any of ours, so that it is replaced. */
function storedOf(stored: StoredMsg): Stored {
  try {
    const { epoch, version } = stored.json<{ epoch: string; version: string }>();
    return { sequence: stored.seq, epoch: BigInt(epoch), version: BigInt(version) };
  } catch {
    return { ...NOTHING, sequence: stored.seq };
  }
}

function isWrongSequence(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = JetStreamApiCodes;
  return error.code === StreamWrongLastSequence || error.code === StreamWrongLastSequenceUnknown;
}
