import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReserveRequestSchema } from '../../src/gen/earmark/v1/reserve_pb.ts';
import { RpcFailure } from '../../src/transport/rpc-failure.ts';
import { assertValid, decode, MESSAGE_MAX_BYTES } from '../../src/transport/validation.ts';

const WITHOUT_FACTS = {
  requestId: 'r',
  exchangeId: 'e',
  lines: [{ sku: 'S', quantity: 1, wantedAttributes: { size: '42' } }],
};
const VALID = encode({ ...WITHOUT_FACTS, facts: { attributes: { a: 'b' } } });
const WITHOUT_FACTS_LENGTH = encode(WITHOUT_FACTS).length;
const RUNS = 20_000;

/** Whatever came, either it is a valid request or the caller is told that it is not. */
function judge(bytes: Uint8Array): string {
  try {
    assertValid(ReserveRequestSchema, decode(ReserveRequestSchema, bytes));
    return 'valid';
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    const [info] = error.status.details;
    return (info?.message as { reason?: string } | undefined)?.reason ?? 'no reason';
  }
}

describe('bytes that are no request', () => {
  test('random ones are the mistake of the caller', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(judge(bytes)).toBe('INVALID_FIELD');
      }),
      { numRuns: RUNS },
    );
  });

  test('changed ones are valid or the mistake of the caller', () => {
    const change = fc.tuple(fc.nat({ max: VALID.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(VALID);
        for (const [at, byte] of changes) bytes[at] = byte;
        expect(['valid', 'INVALID_FIELD']).toContain(judge(bytes));
      }),
      { numRuns: RUNS },
    );
  });

  test('shortened ones too', () => {
    for (let length = 0; length < VALID.length; length += 1) {
      // Cut off before its last field it is a request without facts, and still one.
      expect(judge(VALID.subarray(0, length))).toBe(length === WITHOUT_FACTS_LENGTH ? 'valid' : 'INVALID_FIELD');
    }
    expect(judge(VALID)).toBe('valid');
  });

  test('too many are told how many there may be', () => {
    expect(judge(new Uint8Array(MESSAGE_MAX_BYTES + 1))).toBe('TOO_LARGE');
  });

  test.each(['\u0000', 'a\u0000', '\u202e', '\u200b', 'x'.repeat(200), 'e\u0301'])('a SKU that is %j', (sku) => {
    const request = fromJson(ReserveRequestSchema, { requestId: 'r', exchangeId: 'e', lines: [{ sku, quantity: 1 }] });
    expect(judge(toBinary(ReserveRequestSchema, request))).toBe('INVALID_FIELD');
  });
});

function encode(request: JsonObject): Uint8Array {
  return toBinary(ReserveRequestSchema, fromJson(ReserveRequestSchema, request));
}
