import { createHash, randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuditService } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const SKU = 'AUDITED-1';

let service: WireService;
let client: WireClient;
let http: WireClient;

beforeAll(async () => {
  service = await startWireService();
  client = createGrpcClient(service.grpcPort);
  http = createConnectClient(service.httpPort, '1.1');
  await stockUp(client, [SKU], 100);
});

afterAll(async () => {
  client.close();
  http.close();
  await service.stop();
});

async function listed(request: JsonObject): Promise<JsonObject[]> {
  const answer = await client.call(AuditService.method.listEvents, request);
  expect(answer).toMatchObject({ code: 'OK' });
  return (answer.json.events ?? []) as JsonObject[];
}

describe('an event', () => {
  test('can be verified from what is listed of it, and says what its bytes say', async () => {
    const ids = { requestId: randomUUID(), exchangeId: 'AUDIT-1' };
    const { reserve, release } = ReservationService.method;
    await client.call(reserve, {
      ...ids,
      channel: 'web',
      lines: [{ sku: SKU, quantity: 2 }],
      facts: { reason: 'SIZE' },
    });
    await client.call(release, { ...ids, reason: 'RELEASE_REASON_CANCELLED' });
    const { json } = await http.call(ReservationService.method.getReservation, { exchangeId: ids.exchangeId });
    const reservation = json.reservation as JsonObject;
    const events = await listed({ trackingId: reservation.trackingId as string });
    expect(events.map((event) => event.kind)).toEqual(['reserved', 'released']);
    let previous = Buffer.alloc(32);
    for (const event of events) {
      const body = Buffer.from(String(event.body), 'base64');
      const hash = createHash('sha256').update(previous).update(body).digest();
      expect(event.hash).toBe(hash.toString('base64'));
      expect(body.toString()).toContain(String(event.afterJson));
      previous = hash;
    }
    expect(events[0]).toMatchObject({ exchangeId: ids.exchangeId, channel: 'web', reason: 'SIZE', ruleVersion: '1' });
    expect(events[0]?.previousHash ?? '').toBe('');
    expect(events[1]).toMatchObject({ previousHash: events[0]?.hash, beforeJson: events[0]?.afterJson });
  });
});

describe('events', () => {
  test('are listed by what they concern, in pages', async () => {
    const { reserve } = ReservationService.method;
    for (const name of ['one', 'two', 'three']) {
      const ids = {
        requestId: randomUUID(),
        exchangeId: `LISTED-${name}`,
        returnCaseId: 'CASE-9',
        orderId: `O-${name}`,
      };
      await client.call(reserve, { ...ids, lines: [{ sku: SKU, quantity: 1 }] });
    }
    const exchangesOf = async (request: JsonObject) => (await listed(request)).map((event) => event.exchangeId);
    expect(await exchangesOf({ returnCaseId: 'CASE-9' })).toEqual(['LISTED-one', 'LISTED-two', 'LISTED-three']);
    expect(await exchangesOf({ exchangeId: 'LISTED-two' })).toEqual(['LISTED-two']);
    expect(await exchangesOf({ orderId: 'O-three', sku: SKU })).toEqual(['LISTED-three']);
    expect(await exchangesOf({ returnCaseId: 'CASE-9', kinds: ['released', 'expired'] })).toEqual([]);
    expect(await exchangesOf({ returnCaseId: 'CASE-9', actor: 'nobody' })).toEqual([]);
    expect(await exchangesOf({ returnCaseId: 'CASE-9', endTime: '2020-01-01T00:00:00Z' })).toEqual([]);
    const first = await http.call(AuditService.method.listEvents, { returnCaseId: 'CASE-9', pageSize: 2 });
    const pageToken = first.json.nextPageToken as string;
    expect(await exchangesOf({ returnCaseId: 'CASE-9', pageSize: 2, pageToken })).toEqual(['LISTED-three']);
    const misused = await http.call(AuditService.method.listEvents, { returnCaseId: 'CASE-8', pageToken });
    expect(misused).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' });
  });
});

describe('verifying the ledger', () => {
  const { verifyLedger } = AuditService.method;

  test('tells how many events no checkpoint covers', async () => {
    const { code, json } = await http.call(verifyLedger, {});
    expect(code).toBe('OK');
    expect(json.drifts ?? []).toEqual([]);
    expect(Number(json.eventsChecked)).toBeGreaterThan(0);
  });

  test('does not hold a checkpoint that was kept of another ledger', async () => {
    const root = Buffer.alloc(32, 1).toString('base64');
    const { json } = await client.call(verifyLedger, { knownCheckpoints: [{ size: '1000000', root }] });
    expect(json.drifts).toMatchObject([{ kind: 'CHECKPOINT', expected: '1000000' }]);
  });

  test('refuses what is no root', async () => {
    const { code, fields } = await client.call(verifyLedger, { knownCheckpoints: [{ size: '1', root: 'AA==' }] });
    expect({ code, fields }).toEqual({ code: 'INVALID_ARGUMENT', fields: ['known_checkpoints[0].root'] });
  });
});

describe('an explanation', () => {
  const { reserve, explainReservation } = ReservationService.method;
  const asked = (exchangeId: string, quantity: number) => ({
    requestId: randomUUID(),
    exchangeId,
    lines: [{ sku: SKU, quantity }],
  });

  test('tells why these units of this warehouse are held for so long, with the numbers seen', async () => {
    await client.call(reserve, asked('WHY-1', 4));
    const { code, json } = await http.call(explainReservation, { exchangeId: 'WHY-1' });
    expect({ code, ruleVersion: json.ruleVersion }).toEqual({ code: 'OK', ruleVersion: '1' });
    expect(json.reservation).toMatchObject({ exchangeId: 'WHY-1' });
    const steps = json.steps as JsonObject[];
    expect(steps.map((step) => step.step)).toEqual(['eligibility', 'strategy', 'sourcing', 'sourcing', 'deadline']);
    expect(steps[2]).toMatchObject({ sku: SKU, warehouse: 'W1', outcome: 'line 1 of 4: takes 4' });
    expect(Number(steps[2]?.available)).toBeGreaterThanOrEqual(4);
    expect(Number(steps[2]?.version)).toBeGreaterThan(0);
    const { trackingId } = json.reservation as JsonObject;
    expect((await client.call(explainReservation, { trackingId: trackingId as string })).json).toEqual(json);
  });

  test('tells why an exchange was refused, and by which rules', async () => {
    await client.call(reserve, asked('WHY-NOT', 999));
    const { code, json } = await http.call(explainReservation, { exchangeId: 'WHY-NOT' });
    expect({ code, reservation: json.reservation, ruleVersion: json.ruleVersion }).toEqual({
      code: 'OK',
      reservation: undefined,
      ruleVersion: '1',
    });
    expect(json.refusals).toMatchObject([
      { code: 9, reason: 'NO_STOCK', metadata: { sku: SKU, requested: '999', rule_version: '1', times: '1' } },
    ]);
    const [event] = await listed({ exchangeId: 'WHY-NOT' });
    expect(event).toMatchObject({ kind: 'refused', reason: 'NO_STOCK', exchangeId: 'WHY-NOT' });
  });

  test('is none where nothing is known', async () => {
    const answer = await client.call(explainReservation, { exchangeId: 'WHY-NEVER' });
    expect(answer).toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_RESERVATION' });
  });
});
