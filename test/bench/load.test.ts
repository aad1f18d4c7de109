import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { median, summarize } from '../../bench/figures.ts';
import { countReserved } from '../../bench/load/count-reserved.ts';
import { encodeFrame, type Frame, FrameReader } from '../../bench/load/frames.ts';
import { createRequestSource } from '../../bench/load/request-source.ts';
import {
  BatchReserveRequestSchema,
  BatchReserveResponseSchema,
  ReserveRequestSchema,
} from '../../src/gen/earmark/v1/reserve_pb.ts';

const GRPC_PREFIX_BYTES = 5;

function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(GRPC_PREFIX_BYTES), message]);
}

test('every request has ids of its own and a SKU of the range, whatever the batch', () => {
  const spread = { kind: 'spread', count: 50 } as const;
  const next = createRequestSource({ batchSize: 20, skus: spread, firstId: 700, seed: 1 });

  const requests = [next(), next()].flatMap(
    (bytes) => fromBinary(BatchReserveRequestSchema, bytes.subarray(GRPC_PREFIX_BYTES)).requests,
  );

  expect(new Set(requests.map((one) => one.requestId)).size).toBe(40);
  expect(new Set(requests.map((one) => one.exchangeId)).size).toBe(40);
  expect(requests[0]?.requestId).toBe('request-000000000700');
  expect(requests[39]?.requestId).toBe('request-000000000739');
  const skus = new Set(requests.flatMap((one) => one.lines.map((line) => line.sku)));
  expect(skus.size).toBeGreaterThan(10);
  for (const sku of skus) expect(sku).toMatch(/^SKU-0000[0-4]\d$/);
});

test('two sources of one seed ask for the same, and a hot source always for one SKU', () => {
  const spread = { batchSize: 0, skus: { kind: 'spread', count: 1_000 }, firstId: 0, seed: 5 } as const;
  const [left, right] = [createRequestSource(spread), createRequestSource(spread)];
  for (let call = 0; call < 10; call += 1) expect(left()).toEqual(right());

  const hot = createRequestSource({ batchSize: 0, skus: { kind: 'hot', sku: 'HOT-1-0' }, firstId: 0, seed: 5 });
  const request = fromBinary(ReserveRequestSchema, hot().subarray(GRPC_PREFIX_BYTES));
  expect(request.lines.map(({ sku, quantity }) => ({ sku, quantity }))).toEqual([{ sku: 'HOT-1-0', quantity: 1 }]);
});

test('only outcomes that hold units are counted', () => {
  const reserved = { outcome: { case: 'reserved', value: { reservation: { trackingId: 'x'.repeat(300) } } } } as const;
  const refused = { outcome: { case: 'refusal', value: { reason: 'NO_STOCK' } } } as const;
  const response = create(BatchReserveResponseSchema, { outcomes: [reserved, refused, reserved, refused, refused] });

  expect(countReserved(framed(toBinary(BatchReserveResponseSchema, response)))).toBe(2);
  expect(countReserved(framed(new Uint8Array()))).toBe(0);
});

test('frames are found wherever the stream is cut', () => {
  const sent = [encodeFrame(0, 1, 3, Buffer.from('first')), encodeFrame(1, 4, 5, Buffer.alloc(300, 7))];
  const bytes = Buffer.concat(sent);
  for (const size of [1, 7, 100, bytes.length]) {
    const reader = new FrameReader();
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.read(bytes.subarray(at, at + size), (frame) =>
        frames.push({ ...frame, payload: Buffer.from(frame.payload) }),
      );
    }
    expect(frames).toEqual([
      { type: 0, flags: 1, streamId: 3, payload: Buffer.from('first') },
      { type: 1, flags: 4, streamId: 5, payload: Buffer.alloc(300, 7) },
    ]);
  }
});

test('the median is the middle, and a ratio below its target is missed', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(() => median([])).toThrow(RangeError);

  const benchCase = { name: 'any', batchSize: 0, callers: 1, isHot: false, target: 2 };
  const round = (throughput: number) => ({
    throughput,
    p50Ms: 1,
    p99Ms: 2,
    serverCpuUs: 3,
    postgresCpuUs: 4,
    natsCpuUs: 0,
    generatorCpuUs: 5,
    publishLagMs: 0,
  });
  const peer = [round(100), round(110), round(90)];
  expect(summarize(benchCase, [round(150), round(250), round(200)], peer)).toMatchObject({ ratio: 2, isMet: true });
  expect(summarize(benchCase, [round(150), round(250), round(199)], peer)).toMatchObject({ ratio: 1.99, isMet: false });
});
