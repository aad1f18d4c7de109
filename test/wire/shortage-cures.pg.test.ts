import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NotificationService } from '../../src/gen/earmark/v1/notification_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireAnswer, WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { explainReservation, getReservation, reserve } = ReservationService.method;
const { getRules, putRules } = RuleService.method;
const { countStock, listShortages } = StockService.method;
const { listNotifications } = NotificationService.method;

let service: WireService;
let grpc: WireClient;
let connect: WireClient;

beforeAll(async () => {
  service = await startWireService();
  grpc = createGrpcClient(service.grpcPort);
  connect = createConnectClient(service.httpPort, '1.1');
  await stockUp(grpc, ['A', 'B'], 10);
});

afterAll(async () => {
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  expect(service.bugs).toEqual([]);
  grpc.close();
  connect.close();
  await service.stop();
});

async function put(client: WireClient, rules: JsonObject): Promise<WireAnswer> {
  const { etag } = (await client.call(getRules, {})).json.rules as JsonObject;
  const document = { etag: etag as string, reason: 'a test', splitAllowed: true, ...rules };
  return await client.call(putRules, { requestId: randomUUID(), rules: document });
}

/** The exchange for which units of a SKU are held in W1. */
async function held(client: WireClient, sku: string, quantity: number): Promise<string> {
  const exchangeId = randomUUID();
  const answer = await client.call(reserve, { requestId: randomUUID(), exchangeId, lines: [{ sku, quantity }] });
  expect(answer.code).toBe('OK');
  return exchangeId;
}

async function count(client: WireClient, sku: string, warehouse: string, onHand: number): Promise<void> {
  const counts = [{ sku, warehouse, onHand }];
  expect((await client.call(countStock, { requestId: randomUUID(), reason: 'count', counts })).code).toBe('OK');
}

test('R15: a count below what is reserved is cured in another warehouse, and every surface tells of it', async () => {
  const exchangeId = await held(grpc, 'A', 4);
  await count(connect, 'A', 'W1', 1);
  const { reservation } = (await grpc.call(getReservation, { exchangeId })).json as { reservation: JsonObject };
  expect(reservation).toMatchObject({
    state: 'RESERVATION_STATE_RESERVED',
    lines: [
      {
        reservedQuantity: 4,
        allocations: [
          { warehouse: 'W1', quantity: 1 },
          { warehouse: 'W2', quantity: 3 },
        ],
      },
    ],
  });
  expect((reservation.lines as JsonObject[])[0]).not.toHaveProperty('shortQuantity');
  expect((await connect.call(listShortages, { skus: ['A'] })).json).toEqual({});
  const { shortages } = (await grpc.call(listShortages, { skus: ['A'], includeClosed: true })).json;
  expect(shortages).toMatchObject([{ warehouse: 'W1', quantity: 3, victims: [{ lineNumber: 1, quantity: 3 }] }]);
  const steps = (await connect.call(explainReservation, { exchangeId })).json.steps as JsonObject[];
  const cures = steps.filter(({ step }) => step === 'shortage' || step === 're-source');
  expect(cures).toMatchObject([
    { step: 'shortage', sku: 'A', warehouse: 'W1', outcome: 'line 1: 3 of the 4 held are not there' },
    { step: 're-source', warehouse: 'W2', available: 10, outcome: 'asked; who was promised first is served first' },
    { step: 're-source', warehouse: 'W2', available: 10, outcome: 'line 1: takes 3' },
  ]);
});

describe('R15: shortage_cures of the rules', () => {
  const cures = (...names: string[]) => ({ shortageCures: names.map((name) => `SHORTAGE_CURE_${name}`) });

  test('are told by GetRules, and where none are put RESOURCE, WAIT, SUGGEST_REFUND hold', async () => {
    const unset = await put(grpc, {});
    expect(unset.json.rules).toMatchObject(cures('RESOURCE', 'WAIT', 'SUGGEST_REFUND'));
    await put(connect, cures('SUGGEST_REFUND', 'WAIT'));
    expect((await grpc.call(getRules, {})).json.rules).toMatchObject(cures('SUGGEST_REFUND', 'WAIT'));
  });

  test('suggest a refund to staff where they say so', async () => {
    await put(grpc, cures('SUGGEST_REFUND'));
    const exchangeId = await held(grpc, 'B', 2);
    await count(grpc, 'B', 'W1', 0);
    const kinds = ['NOTIFICATION_KIND_SUGGEST_REFUND'];
    expect((await connect.call(listNotifications, { exchangeId, kinds })).json.notifications).toMatchObject([
      {
        kind: kinds[0],
        message: '2 promised units of B are not at W1 and cannot be had otherwise; a refund is suggested.',
        metadata: { sku: 'B', warehouse: 'W1', units: '2' },
      },
    ]);
  });

  test.each([
    ['a cure there is not yet', cures('RESOURCE', 'SUBSTITUTE'), 'UNIMPLEMENTED', 'UNSUPPORTED'],
    ['a cure twice', cures('WAIT', 'WAIT'), 'INVALID_ARGUMENT', 'INVALID_FIELD'],
    ['no cure at all among others', cures('WAIT', 'UNSPECIFIED'), 'INVALID_ARGUMENT', 'INVALID_FIELD'],
  ])('refuse %s, over both doors, and change nothing', async (_, rules, code, reason) => {
    const before = (await grpc.call(getRules, {})).json;
    for (const client of [grpc, connect]) expect(await put(client, rules)).toMatchObject({ code, reason });
    expect((await grpc.call(getRules, {})).json).toEqual(before);
  });
});
