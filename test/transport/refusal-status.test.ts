import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { type RefusalReason, refuse } from '../../src/domain/refusal.ts';
import { BadRequestSchema, ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { codeName } from '../../src/transport/grpc-code.ts';
import { encodeStatus, REFUSAL_REASONS, statusOf } from '../../src/transport/refusal-status.ts';

/** As published in the contract: code by reason, and whether a retry is told. */
const PUBLISHED: Record<RefusalReason, readonly [string, 'retry' | 'no retry']> = {
  INVALID_FIELD: ['INVALID_ARGUMENT', 'no retry'],
  REQUEST_ID_REUSED: ['INVALID_ARGUMENT', 'no retry'],
  UNKNOWN_SKU: ['NOT_FOUND', 'no retry'],
  UNKNOWN_WAREHOUSE: ['NOT_FOUND', 'no retry'],
  UNKNOWN_RESERVATION: ['NOT_FOUND', 'no retry'],
  UNKNOWN_NOTIFICATION: ['NOT_FOUND', 'no retry'],
  NO_STOCK: ['FAILED_PRECONDITION', 'no retry'],
  UNIT_HELD: ['FAILED_PRECONDITION', 'no retry'],
  NOT_ELIGIBLE: ['FAILED_PRECONDITION', 'no retry'],
  RULE_LIMIT: ['FAILED_PRECONDITION', 'no retry'],
  ALREADY_FULFILLED: ['FAILED_PRECONDITION', 'no retry'],
  ALREADY_RELEASED: ['FAILED_PRECONDITION', 'no retry'],
  EXPIRED: ['FAILED_PRECONDITION', 'no retry'],
  EXCHANGE_ALREADY_RESERVED: ['ALREADY_EXISTS', 'no retry'],
  ORDER_LINE_EXHAUSTED: ['FAILED_PRECONDITION', 'no retry'],
  ETAG_MISMATCH: ['ABORTED', 'retry'],
  CONFLICT: ['ABORTED', 'retry'],
  TOO_LARGE: ['RESOURCE_EXHAUSTED', 'no retry'],
  RATE_LIMITED: ['RESOURCE_EXHAUSTED', 'retry'],
  TOO_MANY_STREAMS: ['RESOURCE_EXHAUSTED', 'retry'],
  OVERLOADED: ['RESOURCE_EXHAUSTED', 'retry'],
  DEPENDENCY_DOWN: ['UNAVAILABLE', 'retry'],
  DRAINING: ['UNAVAILABLE', 'retry'],
  DEADLINE_EXCEEDED: ['DEADLINE_EXCEEDED', 'no retry'],
  CANCELLED: ['CANCELLED', 'no retry'],
  BEING_PICKED: ['FAILED_PRECONDITION', 'no retry'],
  WRONG_UNIT: ['FAILED_PRECONDITION', 'no retry'],
  TOO_LATE: ['FAILED_PRECONDITION', 'no retry'],
  NOT_ALLOWED: ['FAILED_PRECONDITION', 'no retry'],
  UNSUPPORTED: ['UNIMPLEMENTED', 'no retry'],
  INTERNAL: ['INTERNAL', 'no retry'],
};

describe('every reason has the status that is published for it', () => {
  test.each(REFUSAL_REASONS)('%s', (reason) => {
    const status = statusOf(refuse(reason, 'no', { sku: 'S-1' }));
    const retried = status.details.some(({ schema }) => schema.name === 'RetryInfo') ? 'retry' : 'no retry';
    expect([codeName(status.code), retried]).toEqual(PUBLISHED[reason]);
    expect(status.details[0]?.message).toMatchObject({ domain: 'earmark.v1', reason, metadata: { sku: 'S-1' } });
  });

  test('no reason is left out', () => {
    expect([...REFUSAL_REASONS].sort()).toEqual(Object.keys(PUBLISHED).sort());
  });
});

test('a refusal says itself when to come again', () => {
  const status = statusOf(refuse('OVERLOADED', 'queue full', {}, 2_500));
  expect(status.details[1]?.message).toMatchObject({ retryDelay: { seconds: 2n, nanos: 500_000_000 } });
});

test('the status encodes as google.rpc.Status', () => {
  const refusal = refuse('INVALID_FIELD', 'too late', { field: 'expire_time' });
  const reader = new BinaryReader(encodeStatus(statusOf(refusal)));
  const read = (field: number) => {
    expect(reader.tag()[0]).toBe(field);
    return reader;
  };
  expect(read(1).int32()).toBe(3);
  expect(read(2).string()).toBe('too late');
  const details = [anyOf(read(3).bytes()), anyOf(read(3).bytes())];
  expect(reader.pos).toBe(reader.len);
  expect(details.map(({ url }) => url)).toEqual([
    'type.googleapis.com/google.rpc.ErrorInfo',
    'type.googleapis.com/google.rpc.BadRequest',
  ]);
  expect(fromBinary(ErrorInfoSchema, details[0]!.value)).toMatchObject({ reason: 'INVALID_FIELD' });
  expect(fromBinary(BadRequestSchema, details[1]!.value)).toMatchObject({
    fieldViolations: [{ field: 'expire_time', description: 'too late' }],
  });
});

function anyOf(bytes: Uint8Array): { url: string; value: Uint8Array } {
  const reader = new BinaryReader(bytes);
  reader.tag();
  const url = reader.string();
  reader.tag();
  return { url, value: reader.bytes() };
}
