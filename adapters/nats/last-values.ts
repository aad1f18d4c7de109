import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { LastValueMessage } from './outgoing.ts';

/** Pools whose stored value is remembered; beyond that the oldest are read again. */
const REMEMBERED_MAX = 100_000;
/** How often another writer may come first before the attempt counts as failed. */
const CONFLICTS_MAX = 8;
const PUBLISH_TIMEOUT_MS = 5_000;

/** What a stream holds for a subject. Sequence 0 means nothing. */
interface Stored {
  readonly sequence: number;
  readonly epoch: bigint;
  readonly version: bigint;
}

const NOTHING: Stored = { sequence: 0, epoch: -1n, version: -1n };

/** Publishes last values so that the stored one never goes backwards, whoever else publishes at the same time. */
export interface LastValueWriter {
  /**
   * Stores the value unless the same or a newer one, by (epoch, version), is there.
   * @param renew gives the pool's present value: where an earlier epoch stored a higher version than this one has,
   * either this one is late or numbering began anew, and only the database knows which
   */
  write(message: LastValueMessage, renew: () => Promise<LastValueMessage | null>): Promise<void>;
  /** Takes over what a subject was seen to hold, null for nothing, so that it is not read again. */
  learn(subject: string, stored: StoredMsg | null): void;
}

export function createLastValueWriter(js: JetStreamClient, manager: JetStreamManager): LastValueWriter {
  const remembered = new Map<string, Stored>();
  const remember = (subject: string, stored: Stored) => {
    remembered.delete(subject);
    remembered.set(subject, stored);
    const oldest = remembered.size > REMEMBERED_MAX ? remembered.keys().next().value : undefined;
    if (oldest !== undefined) remembered.delete(oldest);
  };
  return {
    learn: (subject, stored) => remember(subject, stored === null ? NOTHING : storedOf(stored)),
    write: async (first, renew) => {
      let message = first;
      let isRenewed = false;
      for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
        const stored = remembered.get(message.subject) ?? (await readStored(manager, message));
        remember(message.subject, stored);
        if (!isNewer(message, stored)) return;
        if (!isRenewed && message.version < stored.version) {
          const renewed = await renew();
          if (renewed === null) return;
          message = renewed;
          isRenewed = true;
          continue;
        }
        const sequence = await publishExpecting(js, message, stored.sequence);
        if (sequence !== null) {
          remember(message.subject, { sequence, epoch: message.epoch, version: message.version });
          return;
        }
        remembered.delete(message.subject);
      }
      throw new Error(`${CONFLICTS_MAX} conflicts in a row on ${message.subject}`);
    },
  };
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
