import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuditService } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { stockUp } from './stock-up.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const { reserve, fulfil, release, listReservations } = ReservationService.method;

let service: WireService;
let clients: WireClient[];

beforeAll(async () => {
  service = await startWireService();
  clients = [createGrpcClient(service.grpcPort), createConnectClient(service.httpPort, '1.1')];
  await stockUp(clientAt(0), ['PLAIN'], 1);
});

afterAll(async () => {
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  for (const client of clients) client.close();
  await service.stop();
});

function clientAt(at: number): WireClient {
  const client = clients[at];
  if (client === undefined) throw new TypeError('two clients');
  return client;
}

describe.each([
  ['grpc-js', 0],
  ['Connect', 1],
])('over %s', (name, at) => {
  const sku = `SERIAL ${name}`;
  const request = (exchangeId: string, unitIds: string[], quantity = unitIds.length) => ({
    requestId: randomUUID(),
    exchangeId: `${exchangeId} ${name}`,
    returnCaseId: 'case',
    lines: [{ sku, quantity, unitIds }],
  });
  const target = (exchangeId: string) => ({ requestId: randomUUID(), exchangeId: `${exchangeId} ${name}` });

  test('serial units come in by name, as many as are counted', async () => {
    const client = clientAt(at);
    const items = [{ sku, name: sku, tracking: 'TRACKING_SERIAL' }];
    const put = await client.call(StockService.method.putItems, { requestId: randomUUID(), items });
    expect(put.json).toMatchObject({ items: [{ sku, tracking: 'TRACKING_SERIAL' }] });
    const receive = (unitIds: string[], quantity: number) => {
      const receipts = [{ sku, warehouse: 'W1', quantity, unitIds }];
      return client.call(StockService.method.receiveStock, { requestId: randomUUID(), reason: 'delivery', receipts });
    };
    expect(await receive(['U1', 'U2', 'U3'], 2)).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['unit_ids'] });
    expect(await receive(['U1', 'U2', 'U3'], 3)).toMatchObject({ code: 'OK' });
    expect(await receive(['U1'], 1)).toMatchObject({ code: 'INVALID_ARGUMENT', metadata: { unit_id: 'U1' } });
  });

  test('R12: a unit that is held is UNIT_HELD with its place and holder, an unknown one NO_STOCK', async () => {
    const client = clientAt(at);
    const made = await client.call(reserve, request('first', ['U2']));
    const allocations = [{ warehouse: 'W1', quantity: 1, unitIds: ['U2'], sku }];
    expect(made.json).toMatchObject({ reservation: { lines: [{ allocations }] } });
    expect(await client.call(reserve, request('second', ['U2']))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UNIT_HELD',
      metadata: { unit_id: 'U2', warehouse: 'W1', held_by: 'exchange' },
    });
    expect(await client.call(reserve, request('second', ['U9']))).toMatchObject({ reason: 'NO_STOCK' });
    expect(await client.call(reserve, request('second', ['U1'], 2))).toMatchObject({ reason: 'INVALID_FIELD' });
  });

  test('units that nobody named are chosen, listed by name, shipped by name and given back', async () => {
    const client = clientAt(at);
    const made = await client.call(reserve, request('third', [], 2));
    expect(made.json).toMatchObject({ reservation: { lines: [{ allocations: [{ unitIds: ['U1', 'U3'] }] }] } });
    const wrong = { ...target('third'), lines: [{ lineNumber: 1, quantity: 1, unitIds: ['U2'] }] };
    expect(await client.call(fulfil, wrong)).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'WRONG_UNIT' });
    const right = { ...target('third'), lines: [{ lineNumber: 1, quantity: 1, unitIds: ['U3'] }] };
    const left = await client.call(fulfil, right);
    expect(left.json).toMatchObject({
      reservation: { lines: [{ fulfilledQuantity: 1, allocations: [{ unitIds: ['U1'] }] }] },
    });
    const listed = await client.call(listReservations, { unitId: 'U3', sku });
    expect(listed.json).toMatchObject({ reservations: [{ exchangeId: `third ${name}` }] });
    const { method } = AuditService;
    const events = await client.call(method.listEvents, { unitId: 'U3', exchangeId: `third ${name}` });
    expect(events.json).toMatchObject({ events: [{ kind: 'reserved' }, { kind: 'changed' }] });
    expect(await client.call(release, { ...target('third'), reason: 'RELEASE_REASON_CANCELLED' })).toMatchObject({
      code: 'OK',
    });
    expect(await client.call(reserve, request('fourth', ['U1']))).toMatchObject({ code: 'OK' });
  });

  test('counts of serial units, bins and lots are UNIMPLEMENTED', async () => {
    const client = clientAt(at);
    const count = (more: object) => {
      const counts = [{ sku, warehouse: 'W1', onHand: 1, ...more }];
      return client.call(StockService.method.countStock, { requestId: randomUUID(), reason: 'count', counts });
    };
    expect(await count({ unitIds: ['U1'] })).toMatchObject({ code: 'UNIMPLEMENTED' });
    expect(await count({})).toMatchObject({ code: 'UNIMPLEMENTED' });
    expect(await count({ bin: 'B1' })).toMatchObject({ code: 'UNIMPLEMENTED' });
  });
});
