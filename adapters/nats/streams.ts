import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { inFilter, inStreamName, STREAM_SUBJECTS } from './subjects.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400 * SECOND_MS;
const NANOS_PER_MS = 1_000_000;

/** How long messages are kept; the outbox keeps its published rows as long. */
export const RETENTION_MS = 7 * DAY_MS;
/** Parked messages wait longer, for people. */
export const DLQ_RETENTION_MS = 30 * DAY_MS;
/** Longer than the relay's longest pause between two attempts to publish the same message. */
export const DUPLICATE_WINDOW_MS = 300 * SECOND_MS;
/** The largest message a stream keeps, in bytes; nats-server's own default limit. */
export const MESSAGE_BYTES_MAX = 1_048_576;

export type StreamName = keyof typeof STREAM_SUBJECTS;

/** The configuration fields Earmark owns; a stream that differs in one of them is put right. */
export type StreamSpec = Pick<
  StreamConfig,
  | 'name'
  | 'subjects'
  | 'retention'
  | 'storage'
  | 'discard'
  | 'discard_new_per_subject'
  | 'max_age'
  | 'max_msgs'
  | 'max_bytes'
  | 'max_msg_size'
  | 'max_msgs_per_subject'
  | 'duplicate_window'
  | 'allow_direct'
  | 'allow_atomic'
>;

/** What sets a stream apart from the others. */
interface StreamTraits {
  readonly retentionMs: number;
  /** Messages kept per subject; null means no limit but age. */
  readonly perSubject: number | null;
  /** True where messages come in batches, all or none. */
  readonly takesBatches: boolean;
  /** True where a second message on a subject is refused instead of replacing the first. */
  readonly refusesSecond: boolean;
}

const LOG: StreamTraits = { retentionMs: RETENTION_MS, perSubject: null, takesBatches: true, refusesSecond: false };
/** Bounded by the number of pools, so that a warehouse that was away for months still finds each value. */
const LAST_VALUE: StreamTraits = { retentionMs: 0, perSubject: 1, takesBatches: true, refusesSecond: false };
const ONCE: StreamTraits = { retentionMs: RETENTION_MS, perSubject: 1, takesBatches: false, refusesSecond: true };

const TRAITS: Readonly<Record<StreamName, StreamTraits>> = {
  EARMARK_OUT: LOG,
  EARMARK_STATE: LAST_VALUE,
  EARMARK_EVENT: LOG,
  EARMARK_AVAILABILITY: LAST_VALUE,
  EARMARK_EXCHANGE: LOG,
  EARMARK_ACK: LOG,
  EARMARK_DLQ: { ...LOG, retentionMs: DLQ_RETENTION_MS },
};

/** Every stream of the contract that does not depend on the warehouses. */
export const FIXED_STREAMS: readonly StreamSpec[] = (Object.keys(TRAITS) as StreamName[]).map((name) =>
  specOf(name, STREAM_SUBJECTS[name], TRAITS[name]),
);

/**
 * The inbound stream of a warehouse system. One message per subject and new ones refused: a message id is taken for
 * the whole retention, and error 10077 always means "already received". It has no size limit, so nothing else can
 * cause that error.
 */
export function inboundStream(wms: string): StreamSpec {
  return specOf(inStreamName(wms), inFilter(wms), ONCE);
}

/** The fields in which a stream differs from its specification. */
export function driftOf(spec: StreamSpec, actual: StreamConfig): (keyof StreamSpec)[] {
  // The server leaves out what is false.
  const shown = (value: unknown) => JSON.stringify(value === false ? undefined : value);
  return (Object.keys(spec) as (keyof StreamSpec)[]).filter((field) => shown(spec[field]) !== shown(actual[field]));
}

function specOf(name: string, subject: string, traits: StreamTraits): StreamSpec {
  return {
    name,
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: traits.refusesSecond ? DiscardPolicy.New : DiscardPolicy.Old,
    discard_new_per_subject: traits.refusesSecond,
    max_age: traits.retentionMs * NANOS_PER_MS,
    max_msgs: -1,
    max_bytes: -1,
    max_msg_size: MESSAGE_BYTES_MAX,
    max_msgs_per_subject: traits.perSubject ?? -1,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    allow_direct: true,
    allow_atomic: traits.takesBatches,
  };
}
