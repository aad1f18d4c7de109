import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KpiService } from '../../src/gen/earmark/v1/kpi_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../../src/gen/earmark/v1/rule_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { getKpis } = KpiService.method;

let service: WireService;
let client: WireClient;
let http: WireClient;

/** Two fulfilled, one released, one live and one refused. */
beforeAll(async () => {
  service = await startWireService();
  client = createGrpcClient(service.grpcPort);
  http = createConnectClient(service.httpPort, '1.1');
  await stockUp(client, ['KPI-1', 'KPI-2'], 10);
  const reserve = (exchangeId: string, sku: string, quantity: number) =>
    client.call(ReservationService.method.reserve, {
      requestId: randomUUID(),
      exchangeId,
      channel: 'web',
      lines: [{ sku, quantity, warehouse: 'W1' }],
    });
  for (const name of ['one', 'two', 'three', 'live']) await reserve(name, name === 'two' ? 'KPI-2' : 'KPI-1', 1);
  await reserve('many', 'KPI-1', 99);
  for (const exchangeId of ['one', 'two']) {
    await client.call(ReservationService.method.fulfil, { requestId: randomUUID(), exchangeId });
  }
  await client.call(ReservationService.method.release, { requestId: randomUUID(), exchangeId: 'three' });
});

afterAll(async () => {
  client.close();
  http.close();
  await service.stop();
});

describe('KPIs by RPC', () => {
  test('tell the numbers of a period with its ends, through both doors alike', async () => {
    const period = { startTime: '2026-01-01T00:00:00Z', endTime: '2035-01-01T00:00:00Z' };
    const { code, json } = await client.call(getKpis, period);
    expect(code).toBe('OK');
    expect(json).toMatchObject({ ...period, timeZone: 'UTC' });
    expect(json.total).toMatchObject({
      resolved: '3',
      reserved: '3',
      prepareTime: { count: '2', p50: expect.stringMatching(/s$/) },
      dispatchTime: { count: '2' },
      waitlistTime: {},
      noStockRefusals: '1',
      noStockPercent: 20,
      decidedRequests: '5',
    });
    expect((await http.call(getKpis, period)).json).toEqual(json);
  });

  test('are broken down, and list what is behind them in pages', async () => {
    const asked = { groupBy: 'KPI_GROUPING_SKU', list: 'KPI_SELECTION_RESOLVED', pageSize: 2 };
    const { json } = await http.call(getKpis, asked);
    const groups = json.groups as JsonObject[];
    expect(groups.map(({ key, kpis }) => [key, (kpis as JsonObject).resolved])).toEqual([
      ['KPI-1', '2'],
      ['KPI-2', '1'],
    ]);
    expect(json.reservations).toMatchObject([
      { state: 'RESERVATION_STATE_RELEASED', channel: 'web' },
      {
        state: 'RESERVATION_STATE_FULFILLED',
        dispatchTime: expect.any(String),
        trackingId: expect.stringMatching(/^EM-/),
      },
    ]);
    const { json: second } = await client.call(getKpis, { ...asked, pageToken: json.nextPageToken as string });
    expect(second).toEqual({ reservations: [expect.objectContaining({ state: 'RESERVATION_STATE_FULFILLED' })] });
  });

  test.each<[string, JsonObject]>([
    ['start_time', { startTime: '2999-01-01T00:00:00Z' }],
    ['start_time', { startTime: '2000-01-01T00:00:00Z', endTime: '2020-01-01T00:00:00Z' }],
    ['page_token', { list: 'KPI_SELECTION_RESOLVED', pageToken: 'nonsense' }],
  ])('are refused by %s: %j', async (field, request) => {
    const { code, reason, metadata } = await client.call(getKpis, request);
    expect({ code, reason, field: metadata.field }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      field,
    });
  });

  test('hold dispatch against the baseline that the rules name', async () => {
    const { json } = await client.call(RuleService.method.getRules, {});
    const rules = { ...(json.rules as JsonObject), manualBaseline: '7200s', reason: 'measured by hand' };
    const put = await client.call(RuleService.method.putRules, { requestId: randomUUID(), rules });
    expect(put).toMatchObject({ code: 'OK', json: { rules: { manualBaseline: '7200s' } } });
    const { total } = (await client.call(getKpis, {})).json as { total: JsonObject };
    expect(total.manualBaseline).toBe('7200s');
    expect(total.dispatchSavingPercent).toBeGreaterThan(99);
  });
});
