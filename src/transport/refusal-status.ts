import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Refusal, RefusalReason } from '../domain/refusal.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { GrpcCode } from './grpc-code.ts';

/** The `domain` of every ErrorInfo. */
export const ERROR_DOMAIN = 'earmark.v1';

/** What a caller is told to wait where a retry helps and nobody knows better. */
const RETRY_DELAY_MS = 1_000;

interface Mapping {
  readonly code: GrpcCode;
  /** Sends RetryInfo with this delay unless the refusal names another. */
  readonly retryDelayMs?: number;
}

/** The one table from reason to status; the compiler refuses a reason without an entry. */
const STATUS_OF_REASON: Readonly<Record<RefusalReason, Mapping>> = {
  INVALID_FIELD: { code: GrpcCode.INVALID_ARGUMENT },
  REQUEST_ID_REUSED: { code: GrpcCode.INVALID_ARGUMENT },
  UNKNOWN_SKU: { code: GrpcCode.NOT_FOUND },
  UNKNOWN_WAREHOUSE: { code: GrpcCode.NOT_FOUND },
  UNKNOWN_RESERVATION: { code: GrpcCode.NOT_FOUND },
  UNKNOWN_NOTIFICATION: { code: GrpcCode.NOT_FOUND },
  NO_STOCK: { code: GrpcCode.FAILED_PRECONDITION },
  UNIT_HELD: { code: GrpcCode.FAILED_PRECONDITION },
  NOT_ELIGIBLE: { code: GrpcCode.FAILED_PRECONDITION },
  RULE_LIMIT: { code: GrpcCode.FAILED_PRECONDITION },
  ALREADY_FULFILLED: { code: GrpcCode.FAILED_PRECONDITION },
  ALREADY_RELEASED: { code: GrpcCode.FAILED_PRECONDITION },
  EXPIRED: { code: GrpcCode.FAILED_PRECONDITION },
  EXCHANGE_ALREADY_RESERVED: { code: GrpcCode.ALREADY_EXISTS },
  ORDER_LINE_EXHAUSTED: { code: GrpcCode.FAILED_PRECONDITION },
  ETAG_MISMATCH: { code: GrpcCode.ABORTED, retryDelayMs: 0 },
  CONFLICT: { code: GrpcCode.ABORTED, retryDelayMs: RETRY_DELAY_MS },
  TOO_LARGE: { code: GrpcCode.RESOURCE_EXHAUSTED },
  RATE_LIMITED: { code: GrpcCode.RESOURCE_EXHAUSTED, retryDelayMs: RETRY_DELAY_MS },
  TOO_MANY_STREAMS: { code: GrpcCode.RESOURCE_EXHAUSTED, retryDelayMs: RETRY_DELAY_MS },
  OVERLOADED: { code: GrpcCode.RESOURCE_EXHAUSTED, retryDelayMs: RETRY_DELAY_MS },
  DEPENDENCY_DOWN: { code: GrpcCode.UNAVAILABLE, retryDelayMs: RETRY_DELAY_MS },
  DRAINING: { code: GrpcCode.UNAVAILABLE, retryDelayMs: RETRY_DELAY_MS },
  DEADLINE_EXCEEDED: { code: GrpcCode.DEADLINE_EXCEEDED },
  CANCELLED: { code: GrpcCode.CANCELLED },
  BEING_PICKED: { code: GrpcCode.FAILED_PRECONDITION },
  WRONG_UNIT: { code: GrpcCode.FAILED_PRECONDITION },
  TOO_LATE: { code: GrpcCode.FAILED_PRECONDITION },
  NOT_ALLOWED: { code: GrpcCode.FAILED_PRECONDITION },
  UNSUPPORTED: { code: GrpcCode.UNIMPLEMENTED },
  INTERNAL: { code: GrpcCode.INTERNAL },
};

/** Every reason there is, in the order of the table. */
export const REFUSAL_REASONS = Object.keys(STATUS_OF_REASON) as RefusalReason[];

/** One wrong field of a request. `field` is a path such as `lines[0].quantity`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** One detail of a status, with its schema so that each door can encode it in its own way. */
export interface StatusDetail {
  readonly schema: DescMessage;
  readonly message: Message;
}

/** How a call ended when not with OK, independent of the door it came through. */
export interface RpcStatus {
  readonly code: GrpcCode;
  /** Why, where it was a refusal. */
  readonly reason?: RefusalReason;
  readonly message: string;
  readonly details: readonly StatusDetail[];
}

/** The gRPC code of a refusal. */
export function codeOf(refusal: Refusal): GrpcCode {
  return STATUS_OF_REASON[refusal.reason].code;
}

/** The status of a refusal: always ErrorInfo, RetryInfo where a retry can help, BadRequest for wrong fields. */
export function statusOf(refusal: Refusal, violations: readonly FieldViolation[] = []): RpcStatus {
  const { code, retryDelayMs } = STATUS_OF_REASON[refusal.reason];
  const info = create(ErrorInfoSchema, {
    domain: ERROR_DOMAIN,
    reason: refusal.reason,
    metadata: { ...refusal.metadata },
  });
  const details: StatusDetail[] = [{ schema: ErrorInfoSchema, message: info }];
  const retryAfterMs = refusal.retryAfterMs ?? retryDelayMs;
  if (retryAfterMs !== undefined) {
    const message = create(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) });
    details.push({ schema: RetryInfoSchema, message });
  }
  const wrong = violations.length > 0 ? violations : namedField(refusal);
  if (refusal.reason === 'INVALID_FIELD' && wrong.length > 0) {
    const message = create(BadRequestSchema, { fieldViolations: wrong.map((violation) => ({ ...violation })) });
    details.push({ schema: BadRequestSchema, message });
  }
  return { code, reason: refusal.reason, message: refusal.message, details };
}

function namedField(refusal: Refusal): FieldViolation[] {
  const field = refusal.metadata.field;
  return field === undefined ? [] : [{ field, description: refusal.message }];
}

/** The bytes of google.rpc.Status for `grpc-status-details-bin`: code 1, message 2, details 3 (Any). */
export function encodeStatus(status: RpcStatus): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(status.code);
  writer.tag(2, WireType.LengthDelimited).string(status.message);
  for (const { schema, message } of status.details) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(`type.googleapis.com/${schema.typeName}`);
    writer.tag(2, WireType.LengthDelimited).bytes(toBinary(schema, message));
    writer.join();
  }
  return writer.finish();
}
