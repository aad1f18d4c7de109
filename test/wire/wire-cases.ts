import type { DescMethodUnary, JsonObject } from '@bufbuild/protobuf';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { AVAILABILITY_CASES } from './availability-cases.ts';
import { NOTIFICATION_CASES } from './notification-cases.ts';

/** What a case may use: names no other client and no other case uses. */
export interface CaseWorld {
  /** An id of this case and client. */
  id(name: string): string;
  /** A SKU of this client of which there are 5 in W1 and 5 in W2. */
  readonly sku: string;
}

export interface Step {
  readonly method: DescMethodUnary;
  readonly request: JsonObject;
}

export interface WireCase {
  readonly name: string;
  /** Calls that must succeed first. */
  readonly before?: (world: CaseWorld) => Step[];
  readonly step: (world: CaseWorld) => Step;
  readonly code: string;
  readonly reason?: string;
  /** Metadata that must be among that of ErrorInfo. */
  readonly metadata?: (world: CaseWorld) => Record<string, string>;
  readonly fields?: readonly string[];
  readonly retryDelayMs?: number;
  /** What must be in the answer. */
  readonly json?: (world: CaseWorld) => JsonObject;
}

const { reserve, release, fulfil, extend, getReservation, batchReserve } = ReservationService.method;

export function reserveStep(world: CaseWorld, changes: JsonObject = {}, name = 'first'): Step {
  return {
    method: reserve,
    request: {
      requestId: world.id(name),
      exchangeId: world.id('exchange'),
      orderId: world.id('order'),
      channel: 'web',
      lines: [{ sku: world.sku, quantity: 1 }],
      ...changes,
    },
  };
}

export function byExchange(method: DescMethodUnary, world: CaseWorld, changes: JsonObject = {}): Step {
  const requestId = world.id(method.name);
  return { method, request: { requestId, exchangeId: world.id('exchange'), ...changes } };
}

const wide = (world: CaseWorld) => [{ sku: world.sku, quantity: 1001 }];

export const WIRE_CASES: readonly WireCase[] = [
  {
    name: 'reserves',
    step: (world) => reserveStep(world),
    code: 'OK',
    json: (world) => ({
      reservation: {
        state: 'RESERVATION_STATE_RESERVED',
        exchangeId: world.id('exchange'),
        ruleVersion: '1',
        etag: 'v1',
        deliveryEstimate: { stockConfirmed: true },
        lines: [{ lineNumber: 1, sku: world.sku, quantity: 1, reservedQuantity: 1 }],
      },
    }),
  },
  {
    name: 'repeats the first answer for the same request id',
    before: (world) => [reserveStep(world)],
    step: (world) => reserveStep(world),
    code: 'OK',
    json: () => ({ replayed: true, reservation: { etag: 'v1' } }),
  },
  {
    name: 'holds like for like where only the returned SKU is named',
    step: (world) => reserveStep(world, { lines: [{ returnedSku: world.sku, quantity: 1 }] }),
    code: 'OK',
    json: (world) => ({ reservation: { lines: [{ sku: world.sku, returnedSku: world.sku }] } }),
  },
  {
    name: 'decides without an id and keeps nothing when only validating',
    step: (world) => reserveStep(world, { requestId: '', validateOnly: true }),
    code: 'OK',
    json: () => ({ reservation: { state: 'RESERVATION_STATE_RESERVED' } }),
  },
  {
    name: 'releases an exchange that never had a reservation',
    step: (world) => byExchange(release, world),
    code: 'OK',
  },
  {
    name: 'releases, and says why',
    before: (world) => [reserveStep(world)],
    step: (world) => byExchange(release, world, { reason: 'RELEASE_REASON_REFUNDED' }),
    code: 'OK',
    json: () => ({
      reservation: { state: 'RESERVATION_STATE_RELEASED', releaseReason: 'RELEASE_REASON_REFUNDED', etag: 'v2' },
    }),
  },
  {
    name: 'answers each request of a batch in its place',
    step: (world) => ({
      method: batchReserve,
      request: {
        requests: [
          reserveStep(world, {}, 'one').request,
          reserveStep(world, { exchangeId: world.id('other'), lines: [{ sku: 'nowhere', quantity: 1 }] }, 'two')
            .request,
          reserveStep(
            world,
            { exchangeId: world.id('third'), lines: [{ sku: world.sku, quantity: 1, lot: 'L' }] },
            'three',
          ).request,
        ],
      },
    }),
    code: 'OK',
    json: () => ({
      outcomes: [
        { reserved: { reservation: { state: 'RESERVATION_STATE_RESERVED' } } },
        { refusal: { code: 5, reason: 'UNKNOWN_SKU', metadata: { sku: 'nowhere' } } },
        { refusal: { code: 12, reason: 'UNSUPPORTED' } },
      ],
    }),
  },
  ...AVAILABILITY_CASES,
  ...NOTIFICATION_CASES,
  {
    name: 'tells the rules',
    step: () => ({ method: RuleService.method.getRules, request: {} }),
    code: 'OK',
    json: () => ({ rules: { version: '1', defaultHoldWindow: '1209600s', maxLines: 100, maxUnits: 1000 } }),
  },
  {
    name: 'lists stock with its item and warehouse',
    step: (world) => ({ method: StockService.method.listStock, request: { skus: [world.sku], pageSize: 1 } }),
    code: 'OK',
    json: (world) => ({ entries: [{ item: { sku: world.sku }, warehouse: { code: 'W1', priority: 1 } }] }),
  },
  {
    name: 'names each wrong field',
    step: (world) => reserveStep(world, { lines: [{ sku: world.sku, quantity: 0 }] }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    metadata: () => ({ field: 'lines[0].quantity' }),
    fields: ['lines[0].quantity'],
  },
  {
    name: 'refuses U+0000 in a text',
    step: (world) => reserveStep(world, { exchangeId: 'a\u0000b' }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['exchange_id'],
  },
  {
    name: 'refuses a call without request id',
    step: (world) => byExchange(release, world, { requestId: '' }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['request_id'],
  },
  {
    name: 'refuses a request id used for another request',
    before: (world) => [reserveStep(world)],
    step: (world) => reserveStep(world, { priority: 7 }),
    code: 'INVALID_ARGUMENT',
    reason: 'REQUEST_ID_REUSED',
  },
  {
    name: 'refuses a page token it did not make',
    step: () => ({ method: ReservationService.method.listReservations, request: { pageToken: 'nonsense' } }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['page_token'],
  },
  {
    name: 'does not know a SKU',
    step: (world) => reserveStep(world, { lines: [{ sku: 'nowhere', quantity: 1 }] }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SKU',
    metadata: () => ({ sku: 'nowhere' }),
  },
  {
    name: 'does not know a warehouse',
    step: (world) => reserveStep(world, { lines: [{ sku: world.sku, quantity: 1, warehouse: 'W9' }] }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_WAREHOUSE',
    metadata: () => ({ warehouse: 'W9' }),
  },
  {
    name: 'does not know a reservation',
    step: () => ({ method: getReservation, request: { trackingId: 'EM-NONE' } }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_RESERVATION',
    metadata: () => ({ tracking_id: 'EM-NONE' }),
  },
  {
    name: 'has not enough',
    step: (world) => reserveStep(world, { lines: [{ sku: world.sku, quantity: 900 }] }),
    code: 'FAILED_PRECONDITION',
    reason: 'NO_STOCK',
    metadata: (world) => ({ sku: world.sku, requested: '900' }),
  },
  {
    name: 'refuses by the rules',
    step: (world) => reserveStep(world, { facts: { reason: 'ABUSE' } }),
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_ELIGIBLE',
    metadata: () => ({ rule: 'reason', rule_version: '1' }),
  },
  {
    name: 'refuses more units than the rules allow',
    step: (world) => reserveStep(world, { lines: wide(world) }),
    code: 'FAILED_PRECONDITION',
    reason: 'RULE_LIMIT',
    metadata: () => ({ limit: 'max_units', allowed: '1000', asked: '1001' }),
  },
  {
    name: 'does not release what was fulfilled',
    before: (world) => [reserveStep(world), byExchange(fulfil, world)],
    step: (world) => byExchange(release, world),
    code: 'FAILED_PRECONDITION',
    reason: 'ALREADY_FULFILLED',
    metadata: () => ({ state: 'FULFILLED' }),
  },
  {
    name: 'does not fulfil what was released',
    before: (world) => [reserveStep(world), byExchange(release, world)],
    step: (world) => byExchange(fulfil, world),
    code: 'FAILED_PRECONDITION',
    reason: 'ALREADY_RELEASED',
    metadata: () => ({ state: 'RELEASED' }),
  },
  {
    name: 'keeps one live reservation per exchange',
    before: (world) => [reserveStep(world)],
    step: (world) => reserveStep(world, {}, 'second'),
    code: 'ALREADY_EXISTS',
    reason: 'EXCHANGE_ALREADY_RESERVED',
  },
  {
    name: 'exchanges no more than was bought',
    step: (world) =>
      reserveStep(world, { lines: [{ sku: world.sku, quantity: 2, orderLineId: '1', purchasedQuantity: 1 }] }),
    code: 'FAILED_PRECONDITION',
    reason: 'ORDER_LINE_EXHAUSTED',
    metadata: () => ({ purchased: '1', requested: '2' }),
  },
  {
    name: 'does not change what has changed since it was read',
    before: (world) => [reserveStep(world)],
    step: (world) => byExchange(extend, world, { expireTime: '2099-01-01T00:00:00Z', etag: 'v9' }),
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
    metadata: () => ({ etag: 'v1' }),
    retryDelayMs: 0,
  },
  {
    name: 'refuses a field this version cannot honour',
    step: (world) => reserveStep(world, { lines: [{ sku: world.sku, quantity: 1, lot: 'L' }] }),
    code: 'UNIMPLEMENTED',
    reason: 'UNSUPPORTED',
    metadata: () => ({ feature: 'lines.lot' }),
  },
  {
    name: 'refuses a message that is too large',
    step: (world) => reserveStep(world, { channel: 'x'.repeat(1_100_000) }),
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_LARGE',
    metadata: () => ({ limit_bytes: '1048576' }),
  },
];
