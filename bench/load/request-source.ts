import { create, toBinary } from '@bufbuild/protobuf';
import { BatchReserveRequestSchema, ReserveRequestSchema } from '../../src/gen/earmark/v1/reserve_pb.ts';

/** Which SKUs the requests ask for: one, or `count` of them uniformly. */
export type SkuChoice =
  | { readonly kind: 'hot'; readonly sku: string }
  | { readonly kind: 'spread'; readonly count: number };

export interface RequestShape {
  /** 0 for unary Reserve, else the requests in each BatchReserve, 1–500. */
  readonly batchSize: number;
  readonly skus: SkuChoice;
  /** The number the first request id is made of; each further request takes the next. */
  readonly firstId: number;
  /** Makes the choice of SKUs repeatable, so that both sides get the same load. */
  readonly seed: number;
}

/** SKUs of the spread load are `SKU-` and this many digits. */
export const SKU_DIGITS = 6;

const ID_DIGITS = 12;
const ID_MARK = '0'.repeat(ID_DIGITS);
const SKU_MARK = '9'.repeat(SKU_DIGITS);
const GRPC_PREFIX_BYTES = 5;

/** The name of one SKU of the spread load. */
export function spreadSku(index: number): string {
  return `SKU-${String(index).padStart(SKU_DIGITS, '0')}`;
}

/**
 * Makes framed gRPC messages, each with ids of its own. A message is encoded once; afterwards only the digits in it are
 * replaced, which costs a fraction of encoding.
 */
export function createRequestSource(shape: RequestShape): () => Buffer {
  const template = framed(encodeTemplate(shape));
  const idsAt = positions(template, ID_MARK);
  const skusAt = positions(template, SKU_MARK);
  const requests = Math.max(1, shape.batchSize);
  const idsPerRequest = idsAt.length / requests;
  const random = randomNumbers(shape.seed);
  const skuCount = shape.skus.kind === 'spread' ? shape.skus.count : 0;
  let id = shape.firstId;
  return () => {
    const bytes = Buffer.from(template);
    idsAt.forEach((at, index) => {
      writeDigits(bytes, at, ID_DIGITS, id + Math.floor(index / idsPerRequest));
    });
    for (const at of skusAt) writeDigits(bytes, at, SKU_DIGITS, Math.floor(random() * skuCount));
    id += requests;
    return bytes;
  };
}

function encodeTemplate({ batchSize, skus }: RequestShape): Uint8Array {
  const request = create(ReserveRequestSchema, {
    requestId: `request-${ID_MARK}`,
    exchangeId: `exchange-${ID_MARK}`,
    returnCaseId: `return-${ID_MARK}`,
    orderId: `order-${ID_MARK}`,
    customerRef: `customer-${ID_MARK}`,
    channel: 'web',
    lines: [{ sku: skus.kind === 'hot' ? skus.sku : `SKU-${SKU_MARK}`, quantity: 1 }],
    facts: { reason: 'WRONG_SIZE', itemCondition: 'NEW' },
  });
  if (batchSize === 0) return toBinary(ReserveRequestSchema, request);
  const requests = Array.from({ length: batchSize }, () => request);
  return toBinary(BatchReserveRequestSchema, create(BatchReserveRequestSchema, { requests }));
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GRPC_PREFIX_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, GRPC_PREFIX_BYTES);
  return bytes;
}

function positions(bytes: Buffer, mark: string): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) found.push(at);
  return found;
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let index = digits - 1; index >= 0; index -= 1) {
    bytes[at + index] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Mulberry32: even enough for choosing SKUs, and the same on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
