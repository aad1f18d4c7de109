import { fromBinary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ReserveRequest, ReserveRequestSchema } from '../../src/gen/earmark/v1/reserve_pb.ts';
import { PutItemsRequestSchema } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { contentHash } from '../../src/transport/content-hash.ts';

const REQUEST = {
  requestId: 'r-1',
  exchangeId: 'e-1',
  channel: 'web',
  lines: [
    { sku: 'A', quantity: 1 },
    { sku: 'B', quantity: 2 },
  ],
  facts: { deliveredTime: '2026-01-02T03:04:05.678Z', attributes: { a: '1', b: '2' } },
  holdWindow: '60s',
  priority: -3,
};

const parsed = (changes: JsonObject = {}): ReserveRequest =>
  fromJson(ReserveRequestSchema, { ...REQUEST, ...changes } as JsonObject);
const hashOf = (request: ReserveRequest): string =>
  Buffer.from(contentHash(ReserveRequestSchema, request)).toString('hex');
const base = hashOf(parsed());

describe('what makes no difference', () => {
  test.each([
    ['the request id', parsed({ requestId: 'r-2' })],
    ['binary instead of JSON', fromBinary(ReserveRequestSchema, toBinary(ReserveRequestSchema, parsed()))],
    ['the order of a map', parsed({ facts: { ...REQUEST.facts, attributes: { b: '2', a: '1' } } })],
    ['a default that is written out', parsed({ validateOnly: false, orderId: '' })],
  ])('%s', (_name, request) => {
    expect(hashOf(request)).toBe(base);
  });

  test('a field nobody knows', () => {
    const unknown = Uint8Array.of(0xf8, 0x07, 0x01);
    const bytes = Buffer.concat([toBinary(ReserveRequestSchema, parsed()), unknown]);
    expect(hashOf(fromBinary(ReserveRequestSchema, bytes))).toBe(base);
  });
});

describe('what makes a difference', () => {
  test.each<[string, JsonObject]>([
    ['a text', { channel: 'shop' }],
    ['a number', { priority: 3 }],
    ['a flag', { validateOnly: true }],
    ['an enum', { shortfallPolicy: 'SHORTFALL_POLICY_PARTIAL' }],
    ['the order of lines', { lines: [REQUEST.lines[1]!, REQUEST.lines[0]!] }],
    ['a line less', { lines: [REQUEST.lines[0]!] }],
    ['a duration', { holdWindow: '61s' }],
    ['a part of a second', { facts: { ...REQUEST.facts, deliveredTime: '2026-01-02T03:04:05.679Z' } }],
    ['a value in a map', { facts: { ...REQUEST.facts, attributes: { a: '1', b: '3' } } }],
    ['the same text in another field', { channel: '', returnCaseId: 'web' }],
  ])('%s', (_name, changes) => {
    expect(hashOf(parsed(changes))).not.toBe(base);
  });

  test('whether an optional part is there at all', () => {
    expect(hashOf(parsed({ facts: {} }))).not.toBe(hashOf(fromJson(ReserveRequestSchema, without('facts'))));
  });

  test('where one text ends and the next begins', () => {
    const sku = fc.string({ minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(sku, { maxLength: 4 }), fc.array(sku, { maxLength: 4 }), (left, right) => {
        const [first, second] = [left, right].map((equivalentSkus) =>
          contentHash(
            PutItemsRequestSchema,
            fromJson(PutItemsRequestSchema, { items: [{ sku: 'A', equivalentSkus }] }),
          ),
        );
        const equal = JSON.stringify(left) === JSON.stringify(right);
        expect(Buffer.compare(Buffer.from(first!), Buffer.from(second!)) === 0).toBe(equal);
      }),
    );
  });
});

function without(field: keyof typeof REQUEST): JsonObject {
  const { [field]: _left, ...rest } = REQUEST;
  return rest as JsonObject;
}
