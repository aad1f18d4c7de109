import { create } from '@bufbuild/protobuf';
import { type Duration, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';

export const NANOS_PER_MS = 1_000_000;
const NANOS_PER_MICROSECOND = 1_000;

/** An instant in milliseconds since the Unix epoch as a Timestamp, to the microsecond. */
export function toTimestamp(at: number): Timestamp {
  const seconds = Math.floor(at / 1_000);
  const nanos = Math.floor((at - seconds * 1_000) * NANOS_PER_MICROSECOND) * NANOS_PER_MICROSECOND;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

/** A Timestamp in milliseconds since the Unix epoch, or null where it is unset. */
export function fromTimestamp(timestamp: Timestamp | undefined): number | null {
  return timestamp === undefined ? null : Number(timestamp.seconds) * 1_000 + timestamp.nanos / NANOS_PER_MS;
}

/** A Duration in milliseconds; unset and zero are both null, which asks for the default. */
export function fromDuration(duration: Duration | undefined): number | null {
  const ms = toMs(duration);
  return ms === 0 ? null : ms;
}

/** In milliseconds; null where unset. */
export function toMs(duration: Duration | undefined): number | null {
  return duration === undefined ? null : Number(duration.seconds) * 1_000 + duration.nanos / NANOS_PER_MS;
}
