import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import { exchangeAll } from './stream-client.ts';
import type { WireAnswer, WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { reserve, batchReserve, reserveStream, swap, getReservation, explainReservation } = ReservationService.method;
const { getRules, putRules, simulateRules } = RuleService.method;

let service: WireService;
let grpc: WireClient;
let connect: WireClient;
let count = 0;

beforeAll(async () => {
  service = await startWireService();
  grpc = createGrpcClient(service.grpcPort);
  connect = createConnectClient(service.httpPort, '1.1');
});

afterAll(async () => {
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  expect(service.bugs).toEqual([]);
  grpc.close();
  connect.close();
  await service.stop();
});

/** An item of 1 unit in each of two warehouses, and what may stand in for it: 3 in each. */
async function items(): Promise<{ readonly sku: string; readonly other: string }> {
  count += 1;
  const [sku, other] = [`ASKED-${count}`, `OTHER-${count}`];
  await stockUp(grpc, [sku], 1);
  await stockUp(grpc, [other], 3);
  const known = { sku, equivalentSkus: [`NEVER-${count}`, other] };
  expect((await grpc.call(StockService.method.putItems, { requestId: randomUUID(), items: [known] })).code).toBe('OK');
  return { sku, other };
}

const request = (sku: string, quantity: number, more: JsonObject = {}): JsonObject => ({
  requestId: randomUUID(),
  exchangeId: `X-${randomUUID()}`,
  lines: [{ sku, quantity }],
  acceptSubstitutes: true,
  ...more,
});

const reservationOf = ({ json }: WireAnswer) => json.reservation as JsonObject;
const linesOf = (answer: WireAnswer) => reservationOf(answer).lines as JsonObject[];

async function put(rules: JsonObject): Promise<WireAnswer> {
  const { etag } = (await grpc.call(getRules, {})).json.rules as JsonObject;
  const draft = { etag: etag as string, reason: 'a test', splitAllowed: true, ...rules };
  return await grpc.call(putRules, { requestId: randomUUID(), rules: draft });
}

const step = (name: string) => `SUBSTITUTION_STEP_${name}`;

describe('R17: a line that cannot be had whole', () => {
  test('is an equivalent item where the customer accepts one, at both doors', async () => {
    for (const door of [grpc, connect]) {
      const { sku, other } = await items();
      const asked = request(sku, 3);
      const answer = await door.call(reserve, asked);
      const line = { sku: other, substitutedForSku: sku, quantity: 3, reservedQuantity: 3 };
      expect(answer).toMatchObject({ code: 'OK', json: { reservation: { lines: [line] } } });
      const again = await door.call(reserve, asked);
      expect(again.json).toMatchObject({ replayed: true, reservation: { lines: [line] } });
      const { exchangeId } = asked as { exchangeId: string };
      expect(linesOf(await door.call(getReservation, { exchangeId }))).toEqual(linesOf(answer));
    }
  });

  test('is what was asked for where that is there', async () => {
    const { sku } = await items();
    const [line] = linesOf(await grpc.call(reserve, request(sku, 2)));
    expect(line).toMatchObject({ sku, reservedQuantity: 2 });
    expect(line).not.toHaveProperty('substitutedForSku');
  });

  test('is refused without consent, and the refusal names what might be accepted', async () => {
    const { sku, other } = await items();
    const answer = await grpc.call(reserve, request(sku, 3, { acceptSubstitutes: false }));
    expect(answer).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'NO_STOCK',
      metadata: { sku, requested: '3', available: '2', alternatives: `NEVER-${count}, ${other}` },
    });
  });

  test('is an equivalent item in a batch, on a stream and in a swap', async () => {
    const { sku, other } = await items();
    const batch = await grpc.call(batchReserve, { requests: [request(sku, 3), request(sku, 3), request(sku, 3)] });
    expect(batch.json.outcomes).toMatchObject([
      { reserved: { reservation: { lines: [{ sku: other }] } } },
      { reserved: { reservation: { lines: [{ sku: other }] } } },
      { refusal: { reason: 'NO_STOCK', metadata: { sku } } },
    ]);
    const next = await items();
    const held = request(next.other, 6);
    expect((await grpc.call(reserve, held)).code).toBe('OK');
    const { exchangeId } = held as { exchangeId: string };
    const lines = [{ sku: next.sku, quantity: 6 }];
    const change = { requestId: randomUUID(), exchangeId, lines };
    expect((await grpc.call(swap, change)).code).toBe('FAILED_PRECONDITION');
    const swapped = await grpc.call(swap, { ...change, requestId: randomUUID(), acceptSubstitutes: true });
    expect(linesOf(swapped)).toMatchObject([{ sku: next.other, substitutedForSku: next.sku, reservedQuantity: 6 }]);
    const last = await items();
    const streamed = await exchangeAll(service.grpcPort, reserveStream, [{ reserve: request(last.sku, 4) }]);
    expect(streamed).toMatchObject([
      { reserved: { reservation: { lines: [{ sku: last.other, substitutedForSku: last.sku }] } } },
    ]);
  });
});

describe('the ladder of the rules', () => {
  test('is told with the rules, and what contradicts itself or cannot be done is refused', async () => {
    const { json } = await connect.call(getRules, {});
    expect(json.rules).toMatchObject({ ladder: ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST'].map(step) });
    const late = await put({ ladder: ['WAITLIST', 'OTHER_WAREHOUSE'].map(step) });
    expect(late).toMatchObject({ code: 'INVALID_ARGUMENT', metadata: { field: 'rules.ladder[1]' } });
    const lot = await put({ ladder: ['OTHER_WAREHOUSE', 'OTHER_LOT'].map(step) });
    expect(lot).toMatchObject({ code: 'UNIMPLEMENTED', metadata: { feature: 'rules.ladder OTHER_LOT' } });
  });

  test('R17: what is refused suggests a refund where it ends so, and each step is explained', async () => {
    const { sku, other } = await items();
    const ladder = ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST', 'SUGGEST_REFUND'].map(step);
    expect(await put({ ladder })).toMatchObject({ code: 'OK', json: { rules: { ladder } } });
    const asked = request(sku, 7);
    const refused = await grpc.call(reserve, asked);
    expect(refused).toMatchObject({ reason: 'NO_STOCK', metadata: { sku, suggestion: 'REFUND' } });
    const { exchangeId } = asked as { exchangeId: string };
    const { steps } = (await grpc.call(explainReservation, { exchangeId })).json as { steps: JsonObject[] };
    expect(steps.map((one) => [one.step, one.sku, one.warehouse, one.available, one.outcome])).toEqual([
      ['eligibility', undefined, undefined, undefined, expect.any(String)],
      ['strategy', undefined, undefined, undefined, expect.any(String)],
      ['sourcing', sku, 'W1', 1, 'line 1 of 7: not enough for the whole line'],
      ['sourcing', sku, 'W2', 1, 'line 1 of 7: not enough for the whole line'],
      ['equivalent-sku', other, 'W1', 3, `line 1 of 7, instead of ${sku}: not enough for the whole line`],
      ['equivalent-sku', other, 'W2', 3, `line 1 of 7, instead of ${sku}: not enough for the whole line`],
      ['suggest-refund', sku, undefined, undefined, 'a refund is suggested'],
    ]);
    for (const { step: name, version } of steps)
      if (name === 'equivalent-sku') expect(Number(version)).toBeGreaterThan(0);
  });

  test('R17: a substitute is explained with what was tried before, and tried again by a draft', async () => {
    const { sku, other } = await items();
    const asked = request(sku, 3);
    expect((await grpc.call(reserve, asked)).code).toBe('OK');
    const { exchangeId } = asked as { exchangeId: string };
    const { steps } = (await grpc.call(explainReservation, { exchangeId })).json as { steps: JsonObject[] };
    expect(steps.slice(2, -1).map((one) => [one.step, one.sku, one.warehouse, one.outcome])).toEqual([
      ['sourcing', sku, 'W1', 'line 1 of 3: not enough for the whole line'],
      ['sourcing', sku, 'W2', 'line 1 of 3: not enough for the whole line'],
      ['equivalent-sku', other, 'W1', `line 1 of 3, instead of ${sku}: takes 3`],
      ['equivalent-sku', other, 'W2', `line 1 of 3, instead of ${sku}: not needed`],
    ]);
    const rules = { reason: 'a draft', splitAllowed: true, ladder: [step('OTHER_WAREHOUSE')] };
    const { json } = await grpc.call(simulateRules, { rules, maxExamples: 50 });
    const examples = json.examples as JsonObject[];
    expect(examples.find((one) => one.exchangeId === exchangeId)).toMatchObject({
      differences: ['was accepted, would be refused as NO_STOCK'],
    });
  });
});
