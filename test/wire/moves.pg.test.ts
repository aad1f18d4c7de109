import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StockService } from '../../src/gen/earmark/v1/stock_service_pb.ts';
import { applyWarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { checkCase } from './check-case.ts';
import { createConnectClient } from './connect-client.ts';
import { createGrpcClient } from './grpc-client.ts';
import { MOVE_CASES, otherSku } from './move-cases.ts';
import { REPLACE_CASES } from './replace-cases.ts';
import { stockUp } from './stock-up.ts';
import type { CaseWorld } from './wire-cases.ts';
import type { WireClient } from './wire-client.ts';
import { startWireService, type WireService } from './wire-service.ts';

const CLIENTS = ['grpc-js', 'Connect over HTTP/1.1'] as const;

/** Many times the shortest hold window. */
const DEADLINE_PASSES_MAX_MS = 10_000;

/** More than the tests let fall due. */
const DUE_MAX = 100;

/** No door has it: only a warehouse says that it has begun. */
const NO_WMS = '';

let service: WireService;
let clients: Map<string, WireClient>;

beforeAll(async () => {
  service = await startWireService();
  const all = [createGrpcClient(service.grpcPort), createConnectClient(service.httpPort, '1.1')];
  clients = new Map(all.map((client) => [client.name, client]));
  const [first] = all as [WireClient, WireClient];
  await stockUp(
    first,
    CLIENTS.flatMap((name) => [worldOf(name).sku, otherSku(worldOf(name))]),
    400,
  );
  const warehouses = [{ code: 'EMPTY', name: 'Empty', priority: 3, enabled: true }];
  await first.call(StockService.method.putWarehouses, { requestId: randomUUID(), warehouses });
});

afterAll(async () => {
  expect((await service.engine.ledger.verify()).drifts).toEqual([]);
  for (const client of clients.values()) client.close();
  await service.stop();
});

function worldOf(clientName: string): CaseWorld {
  const own = randomUUID();
  return { id: (name) => `${name}-${own}`, sku: `SKU ${clientName}` };
}

/** Waits until the database's clock has passed the deadline of an exchange. */
async function passDeadline(exchangeId: string): Promise<void> {
  const found = await service.engine.reservations.find({ by: 'exchange', id: exchangeId });
  const dueIds = async () => (await service.engine.due.dueReservations(DUE_MAX)).map((due) => due.reservationId);
  await vi.waitFor(async () => expect(await dueIds()).toContain(found?.reservationId), {
    timeout: DEADLINE_PASSES_MAX_MS,
  });
}

async function startPick(exchangeId: string): Promise<void> {
  const found = await service.engine.reservations.find({ by: 'exchange', id: exchangeId });
  const message = {
    wms: NO_WMS,
    messageId: randomUUID(),
    contentHash: new Uint8Array(32),
    warehouse: 'W1',
    occurredAt: Date.now(),
    trace: null,
    event: 'pick-started' as const,
    trackingId: found?.trackingId ?? '',
    lines: [],
    code: '',
  };
  const answer = await applyWarehouseMessage(service.engine, message, AbortSignal.timeout(5_000));
  expect(answer).toMatchObject({ verdict: { kind: 'ACCEPTED' } });
}

describe.each(CLIENTS)('%s', (name) => {
  test.each([...MOVE_CASES, ...REPLACE_CASES])('$name', async (moveCase) => {
    const world = worldOf(name);
    await checkCase(clients.get(name) as WireClient, moveCase, world, async () => {
      if (moveCase.after === 'pick') await startPick(world.id('exchange'));
      if (moveCase.after === 'deadline') await passDeadline(world.id('exchange'));
    });
  });
});
