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

const { reserve, reportMilestone, explainReservation, getReservation } = ReservationService.method;
const { getRules, listRuleVersions, putRules } = RuleService.method;

const PICK_ON = 'MILESTONE_INSPECTION_PASSED';

let service: WireService;
let clients: Map<string, WireClient>;

beforeAll(async () => {
  service = await startWireService();
  const all = [createGrpcClient(service.grpcPort), createConnectClient(service.httpPort, '1.1')];
  clients = new Map(all.map((client) => [client.name, client]));
  const [client] = all;
  if (client === undefined) throw new TypeError('there are clients');
  await stockUp(client, ['PICKED-1'], 100);
  const { json } = await client.call(getRules, {});
  const rules = { ...(json.rules as JsonObject), pickOn: PICK_ON, reason: 'ship after the inspection' };
  const put = await client.call(putRules, { requestId: randomUUID(), rules });
  expect(put).toMatchObject({ code: 'OK', json: { rules: { version: '2', pickOn: PICK_ON } } });
});

afterAll(async () => {
  expect(service.bugs).toEqual([]);
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  for (const client of clients.values()) client.close();
  await service.stop();
});

describe.each(['grpc-js', 'Connect over HTTP/1.1'])('P26: over %s', (name) => {
  const call = (...[method, request]: Parameters<WireClient['call']>) =>
    (clients.get(name) as WireClient).call(method, request);
  const reserved = (exchangeId: string) =>
    call(reserve, { requestId: randomUUID(), exchangeId, lines: [{ sku: 'PICKED-1', quantity: 1 }] });
  const reported = (exchangeId: string) =>
    call(reportMilestone, { requestId: randomUUID(), exchangeId, milestone: PICK_ON });

  test('a reservation tells what its pick awaits until that was reported, and why it was made so', async () => {
    const exchangeId = randomUUID();
    expect(await reserved(exchangeId)).toMatchObject({ code: 'OK', json: { reservation: { pickAwaits: PICK_ON } } });
    const explained = await call(explainReservation, { exchangeId });
    expect(explained.json.steps).toContainEqual({
      step: 'pick',
      outcome: 'awaits INSPECTION_PASSED: no pick was asked for',
    });
    const { json } = await reported(exchangeId);
    expect(json).toMatchObject({ applied: true, reservation: { state: 'RESERVATION_STATE_RESERVED', etag: 'v2' } });
    expect((json.reservation as JsonObject).pickAwaits).toBeUndefined();
    const read = await call(getReservation, { exchangeId });
    expect((read.json.reservation as JsonObject).pickAwaits).toBeUndefined();
  });

  test('a milestone before the Reserve is unknown to its caller, and remembered for the pick', async () => {
    const exchangeId = randomUUID();
    expect(await reported(exchangeId)).toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_RESERVATION' });
    const { json } = await reserved(exchangeId);
    expect((json.reservation as JsonObject).pickAwaits).toBeUndefined();
    const explained = await call(explainReservation, { exchangeId });
    expect(explained.json.steps).toContainEqual({ step: 'pick', outcome: 'INSPECTION_PASSED was reported before' });
  });

  test('rules that name a milestone for picks are read as they were put', async () => {
    expect(await call(getRules, {})).toMatchObject({ json: { rules: { version: '2', pickOn: PICK_ON } } });
    const { json } = await call(listRuleVersions, {});
    expect(JSON.stringify(json)).toContain('pick_on was at once, is now INSPECTION_PASSED');
  });
});
