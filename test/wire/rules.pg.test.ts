import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const SKU = 'RULED-1';

const { simulateRules, getRules, putRules, applyRules } = RuleService.method;

let service: WireService;
let grpc: WireClient;
let http: WireClient;

beforeAll(async () => {
  service = await startWireService();
  grpc = createGrpcClient(service.grpcPort);
  http = createConnectClient(service.httpPort, '1.1');
  await stockUp(grpc, [SKU], 100);
  for (const [exchangeId, tier] of [
    ['EX-GOLD', 'GOLD'],
    ['EX-PLAIN', ''],
  ]) {
    const lines = [{ sku: SKU, quantity: 1 }];
    const request = { requestId: randomUUID(), exchangeId, channel: 'web', lines, facts: { customerTier: tier ?? '' } };
    await grpc.call(ReservationService.method.reserve, request as JsonObject);
  }
});

afterAll(async () => {
  grpc.close();
  http.close();
  await service.stop();
});

async function rulesWith(changes: JsonObject): Promise<JsonObject> {
  const { json } = await grpc.call(getRules, {});
  return { ...(json.rules as JsonObject), ...changes };
}

async function idOf(exchangeId: string): Promise<string> {
  const { json } = await grpc.call(ReservationService.method.getReservation, { exchangeId });
  return String((json.reservation as JsonObject).reservationId);
}

const GOLD = { name: 'gold', expression: 'facts.customer_tier == "GOLD"', staffMessage: 'not a gold customer' };

describe('SimulateRules', () => {
  test.each(['grpc', 'http'])('tells what a draft would change, over %s', async (door) => {
    const client = door === 'grpc' ? grpc : http;
    const rules = await rulesWith({ eligibility: [GOLD], defaultHoldWindow: '86400s' });
    const answer = await client.call(simulateRules, { rules, pageSize: 1000 });
    expect(answer).toMatchObject({
      code: 'OK',
      json: {
        casesChecked: '2',
        casesTotal: '2',
        accepted: '1',
        refused: '1',
        newlyRefused: '1',
        timedOtherwise: '1',
        examples: [
          { exchangeId: 'EX-GOLD', differences: [expect.stringContaining('would be held until')] },
          { exchangeId: 'EX-PLAIN', refusal: { code: 9, reason: 'NOT_ELIGIBLE', metadata: { rule: 'gold' } } },
        ],
      },
    });
    const same = await client.call(simulateRules, { rules: await rulesWith({ version: '0', etag: '', reason: '' }) });
    expect(same.json).toEqual({ casesChecked: '2', casesTotal: '2', accepted: '2' });
  });

  test('goes on where an earlier call was left off', async () => {
    const rules = await rulesWith({});
    const first = await grpc.call(simulateRules, { rules, pageSize: 1 });
    expect(first.json).toMatchObject({ casesChecked: '1', casesTotal: '2', nextPageToken: expect.any(String) });
    const { nextPageToken: pageToken = '' } = first.json;
    const second = await grpc.call(simulateRules, { rules, pageToken });
    expect(second.json).toEqual({ casesChecked: '1', casesTotal: '2', accepted: '1' });
    const other = await grpc.call(simulateRules, { rules: await rulesWith({ maxLines: 3 }), pageToken });
    expect(other).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: ['page_token'] });
  });

  test.each([
    ['no rules', {}, 'INVALID_ARGUMENT', 'INVALID_FIELD'],
    [
      'an expression that is none',
      { eligibility: [{ ...GOLD, expression: 'facts.' }] },
      'INVALID_ARGUMENT',
      'INVALID_FIELD',
    ],
    [
      'a warehouse nobody knows',
      { channelWarehouses: [{ channel: 'web', warehouses: ['W9'] }] },
      'NOT_FOUND',
      'UNKNOWN_WAREHOUSE',
    ],
    ['a pick that would never be asked for', { pickOn: 'MILESTONE_COMPLETED' }, 'INVALID_ARGUMENT', 'INVALID_FIELD'],
  ])('refuses %s', async (what, changes, code, reason) => {
    const request = what === 'no rules' ? {} : { rules: await rulesWith(changes) };
    expect(await grpc.call(simulateRules, request)).toMatchObject({ code, reason });
  });
});

describe('ApplyRules', () => {
  test('gives what was chosen the deadline of the rules in force, tells what it left, and is done once', async () => {
    const rules = await rulesWith({ eligibility: [GOLD], defaultHoldWindow: '86400s', reason: 'gold only' });
    expect(await grpc.call(putRules, { requestId: randomUUID(), rules })).toMatchObject({ code: 'OK' });
    const reservationIds = [await idOf('EX-GOLD'), await idOf('EX-PLAIN')];
    const request = { requestId: 'apply-1', reservationIds, reason: 'peak is over' };
    const answer = await grpc.call(applyRules, request);
    expect(answer).toMatchObject({
      code: 'OK',
      json: {
        reservationsChecked: '2',
        ruleVersion: '2',
        reservations: [{ exchangeId: 'EX-GOLD', ruleVersion: '2', etag: 'v2', state: 'RESERVATION_STATE_RESERVED' }],
        left: [{ exchangeId: 'EX-PLAIN', refusal: { code: 9, reason: 'NOT_ELIGIBLE', metadata: { rule: 'gold' } } }],
      },
    });
    expect(answer.json).not.toHaveProperty('nextPageToken');
    expect((await http.call(applyRules, request)).json).toEqual({ ...answer.json, replayed: true });
    const byState = { requestId: randomUUID(), states: ['RESERVATION_STATE_RESERVED'], reason: 'r', pageSize: 1 };
    const page = await http.call(applyRules, byState);
    expect(page.json).toMatchObject({
      reservationsChecked: '1',
      reservationsRemaining: '1',
      nextPageToken: expect.any(String),
    });
  });

  test.each([
    ['no choice', { reason: 'r' }, 'INVALID_ARGUMENT', 'INVALID_FIELD'],
    ['a reservation nobody knows', { reason: 'r', reservationIds: ['none'] }, 'NOT_FOUND', 'UNKNOWN_RESERVATION'],
    ['a page token of elsewhere', { reason: 'r', sku: SKU, pageToken: 'x' }, 'INVALID_ARGUMENT', 'INVALID_FIELD'],
  ])('refuses %s', async (_, request, code, reason) => {
    expect(await grpc.call(applyRules, { requestId: randomUUID(), ...request })).toMatchObject({ code, reason });
  });
});
