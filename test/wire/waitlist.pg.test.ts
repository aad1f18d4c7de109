import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import { createGrpcStreams } from './stream-client.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { reserve, batchReserve, release, fulfil, swap, explainReservation, getReservation, watchReservation } =
  ReservationService.method;
const { receiveStock } = StockService.method;

const WAITLIST = 'SHORTFALL_POLICY_WAITLIST';
const WAITLIST_DAYS = 30;
const DAY_MS = 86_400_000;

let service: WireService;
let clients: Map<string, WireClient>;

beforeAll(async () => {
  service = await startWireService();
  const all = [createGrpcClient(service.grpcPort), createConnectClient(service.httpPort, '1.1')];
  clients = new Map(all.map((client) => [client.name, client]));
});

afterAll(async () => {
  expect(service.bugs).toEqual([]);
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  for (const client of clients.values()) client.close();
  await service.stop();
});

function asked(sku: string, quantity: number, more: JsonObject = {}): JsonObject {
  return { requestId: randomUUID(), exchangeId: randomUUID(), lines: [{ sku, quantity }], ...more };
}

const days = (from: unknown, to: unknown) => Math.round((Date.parse(String(to)) - Date.parse(String(from))) / DAY_MS);

describe.each(['grpc-js', 'Connect over HTTP/1.1'])('R19: over %s', (name) => {
  const client = () => clients.get(name) as WireClient;

  /** A SKU of the test's own with 2 units in W1 and 2 in W2. */
  async function ownSku(): Promise<string> {
    const sku = `sku-${randomUUID()}`;
    await stockUp(client(), [sku], 2);
    return sku;
  }

  async function call(method: Parameters<WireClient['call']>[0], request: JsonObject): Promise<JsonObject> {
    const { code, json } = await client().call(method, request);
    expect(code).toBe('OK');
    return json;
  }

  async function waiting(sku: string, quantity: number, more: JsonObject = {}): Promise<JsonObject> {
    const json = await call(reserve, asked(sku, quantity, { shortfallPolicy: WAITLIST, ...more }));
    return json.reservation as JsonObject;
  }

  const receive = (sku: string, quantity: number) =>
    call(receiveStock, {
      requestId: randomUUID(),
      reason: 'delivery',
      receipts: [{ sku, warehouse: 'W1', quantity }],
    });

  test('WAITLIST holds what there is and queues the rest, until it is there', async () => {
    const sku = await ownSku();
    const made = await waiting(sku, 5);
    expect(made).toMatchObject({
      state: 'RESERVATION_STATE_WAITLISTED',
      lines: [{ quantity: 5, reservedQuantity: 4, waitlistedQuantity: 1 }],
    });
    expect(days(made.createTime, made.expireTime)).toBe(WAITLIST_DAYS);
    expect((made.deliveryEstimate as JsonObject | undefined)?.stockConfirmed ?? false).toBe(false);
    const { levels, availability } = await receive(sku, 3);
    const told = (levels ?? availability) as JsonObject[];
    expect(told).toMatchObject([{ sku, onHand: 5, reserved: 3, available: 2 }]);
    const { reservation } = await call(getReservation, { trackingId: made.trackingId as string });
    expect(reservation).toMatchObject({
      state: 'RESERVATION_STATE_RESERVED',
      etag: 'v2',
      deliveryEstimate: { stockConfirmed: true },
      lines: [{ quantity: 5, reservedQuantity: 5 }],
    });
    const shown = await call(AvailabilityService.method.getAvailability, { skus: [sku], warehouses: ['W1'] });
    expect(shown.availability).toMatchObject([{ version: told[0]?.version as string, available: 2, reserved: 3 }]);
  });

  test('a batch queues what its earlier requests left, and a newcomer hears NO_STOCK', async () => {
    const sku = await ownSku();
    const requests = [asked(sku, 4), asked(sku, 1, { shortfallPolicy: WAITLIST }), asked(sku, 1)];
    const { outcomes } = await call(batchReserve, { requests });
    expect(outcomes).toMatchObject([
      { reserved: { reservation: { state: 'RESERVATION_STATE_RESERVED' } } },
      { reserved: { reservation: { state: 'RESERVATION_STATE_WAITLISTED' } } },
      { refusal: { reason: 'NO_STOCK' } },
    ]);
  });

  test('the place in line is told: by priority, then by age', async () => {
    const sku = await ownSku();
    await call(reserve, asked(sku, 4));
    const first = await waiting(sku, 2);
    const second = await waiting(sku, 1);
    await waiting(sku, 3, { priority: 5 });
    const placesOf = async ({ trackingId }: JsonObject) =>
      (await call(explainReservation, { trackingId: trackingId as string })).waitlistPlaces;
    expect(await placesOf(first)).toMatchObject([{ lineNumber: 1, sku, quantity: 2, linesAhead: 1, unitsAhead: 3 }]);
    expect(await placesOf(second)).toMatchObject([{ quantity: 1, linesAhead: 2, unitsAhead: 5 }]);
    await receive(sku, 6);
    expect((await placesOf(second)) ?? []).toEqual([]);
  });

  test('a swap may wait, a fulfilment needs something to be held, and a release gives the place up', async () => {
    const [sku, other] = [await ownSku(), await ownSku()];
    const request = asked(sku, 1);
    await call(reserve, request);
    const target = { requestId: randomUUID(), exchangeId: request.exchangeId as string };
    const lines = [{ sku: other, quantity: 5 }];
    const swapped = await call(swap, { ...target, lines, shortfallPolicy: WAITLIST });
    expect(swapped.reservation).toMatchObject({ state: 'RESERVATION_STATE_WAITLISTED', etag: 'v2' });
    await call(reserve, asked(sku, 4));
    const none = await waiting(sku, 1);
    const refused = await client().call(fulfil, { ...target, exchangeId: none.exchangeId as string });
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' });
    const gone = await call(release, { ...target, reason: 'RELEASE_REASON_CANCELLED' });
    expect(gone.reservation).toMatchObject({ state: 'RESERVATION_STATE_RELEASED' });
  });

  test('a portal that watches sees the waiting end', async () => {
    const sku = await ownSku();
    const made = await waiting(sku, 5);
    const streams = createGrpcStreams(service.grpcPort);
    const stream = streams.open(watchReservation, { trackingId: made.trackingId as string });
    const nextState = async () => {
      for (;;) {
        const got = await stream.next();
        if ('end' in got) throw new Error(`the stream ended: ${JSON.stringify(got.end)}`);
        const update = got.message.update as JsonObject | undefined;
        if (update !== undefined) return update.state;
      }
    };
    expect(await nextState()).toBe('RESERVATION_STATE_WAITLISTED');
    await receive(sku, 1);
    expect(await nextState()).toBe('RESERVATION_STATE_RESERVED');
    stream.cancel();
    streams.close();
  });
});
