/** The closed list of reasons with which Earmark says no. Each is documented in README and mapped to one gRPC code. */
export type RefusalReason =
  | 'INVALID_FIELD'
  | 'REQUEST_ID_REUSED'
  | 'UNKNOWN_SKU'
  | 'UNKNOWN_WAREHOUSE'
  | 'UNKNOWN_RESERVATION'
  | 'UNKNOWN_NOTIFICATION'
  | 'NO_STOCK'
  | 'UNIT_HELD'
  | 'NOT_ELIGIBLE'
  | 'RULE_LIMIT'
  | 'ALREADY_FULFILLED'
  | 'ALREADY_RELEASED'
  | 'EXPIRED'
  | 'EXCHANGE_ALREADY_RESERVED'
  | 'ORDER_LINE_EXHAUSTED'
  | 'ETAG_MISMATCH'
  | 'CONFLICT'
  | 'TOO_LARGE'
  | 'RATE_LIMITED'
  | 'TOO_MANY_STREAMS'
  | 'OVERLOADED'
  | 'DEPENDENCY_DOWN'
  | 'DRAINING'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'BEING_PICKED'
  | 'WRONG_UNIT'
  | 'TOO_LATE'
  | 'NOT_ALLOWED'
  | 'UNSUPPORTED'
  | 'INTERNAL';

/** A refusal is a value: the world said no, nothing changed. The message says nothing the metadata lacks. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** When a retry may succeed, in milliseconds from now; absent where a retry cannot help. */
  readonly retryAfterMs?: number;
}

export function refuse(
  reason: RefusalReason,
  message: string,
  metadata: Record<string, string | number> = {},
  retryAfterMs?: number,
): Refusal {
  const text: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) text[key] = String(value);
  return { reason, message, metadata: text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

export function unsupported(feature: string): Refusal {
  return refuse('UNSUPPORTED', `${feature} is not available in this version`, { feature });
}

/** Thrown where an invariant of ours is broken: always a bug, never the caller's fault. Rolls the unit back. */
export class BrokenInvariant extends Error {
  override name = 'BrokenInvariant';
}

export function assertInvariant(claim: boolean, what: string): asserts claim {
  if (!claim) throw new BrokenInvariant(what);
}
