import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { httpCall, until } from '../support/http-call.ts';
import { startTestNats } from '../support/nats.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestService, type TestService } from '../support/service.ts';

const SKU = 'STREAMED-1';
const SITE = 'WEST-1';

describe('two processes on one database', () => {
  let database: TestDatabase;
  let nats: EmbeddedServer;
  let first: TestService;
  let second: TestService;
  /** Available units as the second process streams them, in order. */
  const seen: { available: number; version: bigint }[] = [];
  const watching = new AbortController();

  beforeAll(async () => {
    [database, nats] = await Promise.all([createTestDatabase('two'), startTestNats()]);
    const shared = { databaseUrl: database.url, natsUrl: nats.url };
    [first, second] = await Promise.all([startTestService(shared), startTestService(shared)]);
    await stockUp(first.httpPort);
    watch(second.httpPort);
  });

  afterAll(async () => {
    watching.abort();
    await Promise.all([first?.stop(), second?.stop()]);
    await nats?.stop();
    await database?.drop();
  });

  function watch(httpPort: number): void {
    const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${httpPort}`, httpVersion: '2' });
    const client = createClient(AvailabilityService, transport);
    void (async () => {
      for await (const { event } of client.streamAvailability({ skus: [SKU] }, { signal: watching.signal })) {
        if (event.case === 'update') seen.push({ available: event.value.available, version: event.value.version });
      }
    })().catch(() => undefined);
  }

  const reserve = (service: TestService, exchangeId: string, more = {}) =>
    httpCall(service.httpPort, 'ReservationService/Reserve', {
      requestId: `two-${exchangeId}`,
      exchangeId,
      lines: [{ sku: SKU, quantity: 1 }],
      ...more,
    });
  const streamed = (available: number) =>
    until(`${available} to be streamed`, async () => seen.at(-1)?.available === available, 10_000);
  const stateOf = async (service: TestService, exchangeId: string) =>
    (await httpCall(service.httpPort, 'ReservationService/GetReservation', { exchangeId })).body.reservation;

  test('one streams what the other has committed, and both answer alike', async () => {
    await streamed(10);
    expect((await reserve(first, 'STREAM-1')).status).toBe(200);
    await streamed(9);
    for (const service of [first, second]) {
      const { body } = await httpCall(service.httpPort, 'AvailabilityService/GetAvailability', { skus: [SKU] });
      expect(body.availability[0]).toMatchObject({ available: 9, reserved: 1, onHand: 10 });
    }
  });

  test('one makes rules, and the next call of the other follows them', async () => {
    const call = (service: TestService, method: string, body: object) => httpCall(service.httpPort, method, body);
    const tight = { etag: 'v1', reason: 'peak', maxUnits: 3, lowThreshold: 9, splitAllowed: true };
    const put = await call(first, 'RuleService/PutRules', { requestId: 'rules-1', rules: tight });
    expect(put.body.rules).toMatchObject({ version: '2', etag: 'v2', maxUnits: 3 });
    const refused = await reserve(second, 'MANY', { lines: [{ sku: SKU, quantity: 4 }] });
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain('RULE_LIMIT');
    const { body } = await call(second, 'AvailabilityService/GetAvailability', { skus: [SKU] });
    expect(body.availability[0].flag).toBe('AVAILABILITY_FLAG_LOW');
    const listed = await call(second, 'RuleService/ListRuleVersions', { pageSize: 1 });
    expect(listed.body.versions[0].differences).toContain('max_units was 1000, is now 3');
    const back = { requestId: 'rules-2', rules: { etag: 'v2', reason: 'over', splitAllowed: true } };
    expect((await call(second, 'RuleService/PutRules', back)).body.rules.version).toBe('3');
  });

  test('R10: one answers for the other: the same request id, the same reservation', async () => {
    const again = await reserve(second, 'STREAM-1');
    expect(again.body.replayed).toBe(true);
    expect(again.body.reservation.trackingId).toBe((await stateOf(first, 'STREAM-1')).trackingId);
  });

  test('a release by the other process gives the unit back, for whatever reason', async () => {
    for (const [exchangeId, reason] of [
      ['STREAM-1', 'RELEASE_REASON_CANCELLED'],
      ['STREAM-2', 'RELEASE_REASON_REFUNDED'],
    ] as const) {
      await reserve(first, exchangeId);
      const released = await httpCall(second.httpPort, 'ReservationService/Release', {
        requestId: `release-${exchangeId}`,
        exchangeId,
        reason,
      });
      expect(released.body.reservation).toMatchObject({ state: 'RESERVATION_STATE_RELEASED', releaseReason: reason });
      await streamed(10);
    }
  });

  test('with nats-server away everything is answered, streamed and freed by the clock all the same', async () => {
    nats.kill();
    await nats.exited;
    expect((await reserve(first, 'STREAM-3', { holdWindow: '2s' })).status).toBe(200);
    await streamed(9);
    const expired = await until('the deadline', async () => {
      const reservation = await stateOf(second, 'STREAM-3');
      return reservation.state === 'RESERVATION_STATE_EXPIRED' && reservation;
    });
    expect(Date.parse(expired.resolveTime)).toBeGreaterThanOrEqual(Date.parse(expired.expireTime));
    expect(Date.parse(expired.resolveTime) - Date.parse(expired.expireTime)).toBeLessThanOrEqual(5_000);
    await streamed(10);
    const ready = await fetch(`http://127.0.0.1:${first.httpPort}/readyz`);
    expect(ready.status).toBe(200);
  });

  test('a version never goes back, and the ledger has no drift', async () => {
    const versions = seen.map((each) => each.version);
    expect(versions).toEqual([...versions].sort((a, b) => Number(a - b)));
    const { body } = await httpCall(first.httpPort, 'AuditService/VerifyLedger', {});
    expect(body.drifts ?? []).toEqual([]);
  });
});

async function stockUp(httpPort: number): Promise<void> {
  const calls: [string, unknown][] = [
    [
      'StockService/PutWarehouses',
      {
        requestId: 'w',
        warehouses: [{ code: SITE, name: 'West', timeZone: 'UTC', priority: 1, enabled: true, wms: '' }],
      },
    ],
    [
      'StockService/PutItems',
      { requestId: 'i', items: [{ sku: SKU, name: 'Streamed', tracking: 'TRACKING_QUANTITY' }] },
    ],
    [
      'StockService/ReceiveStock',
      { requestId: 's', reason: 'first', receipts: [{ sku: SKU, warehouse: SITE, quantity: 10 }] },
    ],
  ];
  for (const [method, request] of calls) {
    const { status, body } = await httpCall(httpPort, method, request);
    expect(status, JSON.stringify(body)).toBe(200);
  }
}
