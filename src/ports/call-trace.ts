import type { SpanContext } from '@opentelemetry/api';

/** The trace of a call, as its commands carry it. */
export interface CallTrace extends SpanContext {
  /**
   * Links the call's own span to the unit that decides a command of it. Absent for a stream, whose units may be so many
   * that its links would be cut off.
   */
  readonly linkTo?: (unit: SpanContext) => void;
}
