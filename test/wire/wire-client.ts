import type { Message } from '@bufbuild/protobuf';
import { type DescMethodUnary, fromBinary, type JsonObject, toJson } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { codeName, type GrpcCode } from '../../src/transport/grpc-code.ts';

/** What a call came to, told alike for every client. */
export interface WireAnswer {
  readonly code: string;
  readonly message: string;
  /** From ErrorInfo; empty where there is none. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Paths of wrong fields from BadRequest. */
  readonly fields: readonly string[];
  /** From RetryInfo, or null where there is none. */
  readonly retryDelayMs: number | null;
  /** The answer as proto JSON; empty where the call failed. */
  readonly json: JsonObject;
}

export interface WireOptions {
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A way a caller may reach the service. */
export interface WireClient {
  readonly name: string;
  call(method: DescMethodUnary, request: JsonObject, options?: WireOptions): Promise<WireAnswer>;
  /** Sends bytes that are no message: cut off, or a text with a byte that is not UTF-8. */
  callBroken(method: DescMethodUnary, how: 'truncated' | 'bad-utf8'): Promise<WireAnswer>;
  close(): void;
}

/** A field 1 that promises more bytes than come. */
export const TRUNCATED = Uint8Array.of(0x0a, 0x7f, 0x41);

/** A field 1 with one byte that no UTF-8 text has. */
export const BAD_UTF8 = Uint8Array.of(0x0a, 0x01, 0xff);

/** The answer of a call that succeeded. */
export function succeeded(method: DescMethodUnary, message: Message): WireAnswer {
  return { ...failed(0, '', []), json: toJson(method.output, message) as JsonObject };
}

/** One status detail as it stands on the wire. */
export interface WireDetail {
  readonly type: string;
  readonly value: Uint8Array;
}

/** The answer of a call that failed. */
export function failed(code: number, message: string, details: readonly WireDetail[]): WireAnswer {
  const find = (type: string) => details.find((detail) => detail.type === type)?.value;
  const infoBytes = find(ErrorInfoSchema.typeName);
  const retryBytes = find(RetryInfoSchema.typeName);
  const badBytes = find(BadRequestSchema.typeName);
  const info = infoBytes === undefined ? null : fromBinary(ErrorInfoSchema, infoBytes);
  const retry = retryBytes === undefined ? null : fromBinary(RetryInfoSchema, retryBytes);
  const bad = badBytes === undefined ? null : fromBinary(BadRequestSchema, badBytes);
  if (info !== null && info.domain !== 'earmark.v1') throw new Error(`ErrorInfo of ${info.domain}`);
  return {
    code: codeName(code as GrpcCode),
    message,
    reason: info?.reason ?? '',
    metadata: info?.metadata ?? {},
    fields: bad?.fieldViolations.map((violation) => violation.field) ?? [],
    retryDelayMs: retry?.retryDelay === undefined ? null : durationMs(retry.retryDelay),
    json: {},
  };
}

const CONNECT_CODES = new Map(
  [
    'canceled',
    'unknown',
    'invalid_argument',
    'deadline_exceeded',
    'not_found',
    'already_exists',
    'permission_denied',
    'resource_exhausted',
    'failed_precondition',
    'aborted',
    'out_of_range',
    'unimplemented',
    'internal',
    'unavailable',
    'data_loss',
    'unauthenticated',
  ].map((name, at) => [name, at + 1]),
);

/** The answer in the error JSON of the Connect protocol. */
export function failedConnect(body: string): WireAnswer {
  const error = JSON.parse(body) as {
    code: string;
    message?: string;
    details?: readonly { type: string; value: string }[];
  };
  const details = (error.details ?? []).map(({ type, value }) => ({ type, value: Buffer.from(value, 'base64') }));
  return failed(CONNECT_CODES.get(error.code) ?? 2, error.message ?? '', details);
}
