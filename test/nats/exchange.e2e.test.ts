import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { ackSubject, inSubject } from '../../adapters/nats/subjects.ts';
import { startSimulator } from '../../adapters/wms-simulator/spawn.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { PickStartedSchema } from '../../src/gen/earmark/wms/v1/pick_answers_pb.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import type { Outcome, UnitOfWork } from '../../src/ports.ts';
import { reserve as reserveAll } from '../../src/use-cases/reserve.ts';
import { NO_EVENT_FILTER } from '../support/event-filter.ts';
import { startTestNats } from '../support/nats.ts';
import { eventually } from '../support/nats-side.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { CALL, reserveInput, stockUp } from '../support/test-service.ts';
import { openWarehouseSide, type WarehouseSide } from '../support/warehouse-side.ts';

const SITE = 'W1';
const WMS = 'sim';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACED = { ...CALL, trace: { traceId: TRACE_ID, spanId: 'b7ad6b7169203331', traceFlags: 1 } };

let server: EmbeddedServer;
let database: TestDatabase;
let side: WarehouseSide;
/** Submissions that are refused before the next one goes through. */
let outages = 0;
let submissions = 0;

function unreliable(unitOfWork: UnitOfWork): UnitOfWork {
  return {
    submit: async (commands, options) => {
      submissions += 1;
      if (outages === 0) return unitOfWork.submit(commands, options);
      outages -= 1;
      const refusal = { reason: 'DEPENDENCY_DOWN', message: 'away', metadata: {} } as const;
      return commands.map((): Outcome => ({ ok: false, refusal }));
    },
  };
}

beforeAll(async () => {
  [server, database] = await Promise.all([startTestNats(), createTestDatabase('exchange')]);
  side = await openWarehouseSide(database.url, server, unreliable);
  await stockUp(side.service, ['SHOE-1'], 1_000);
});
afterAll(async () => {
  const report = await createLedgerAuditor(side.service.database.pool).verify();
  await side.close();
  await database.drop();
  await server.stop();
  expect(report.drifts).toEqual([]);
});

async function reserve(): Promise<Reservation> {
  const [outcome] = await reserveAll(side.service, [reserveInput([{ sku: 'SHOE-1', quantity: 2 }])], TRACED);
  side.relay.wake();
  if (!outcome?.ok || outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) {
    throw new Error(`refused: ${JSON.stringify(outcome)}`);
  }
  return outcome.answer.reservation;
}

const stateOf = async (trackingId: string) => (await side.reservations.find({ by: 'tracking', id: trackingId }))?.state;

/** Sends a pick answer as a warehouse would; false where the stream had the id already. */
async function send(event: string, messageId: string, body: object, subjectId = messageId): Promise<boolean> {
  const payload = JSON.stringify({ messageId, warehouse: SITE, occurredTime: new Date().toISOString(), ...body });
  return sendRaw(event, subjectId, payload);
}

async function sendRaw(
  event: string,
  messageId: string,
  payload: string | Uint8Array,
  contentType = 'application/json',
) {
  const headers = createHeaders();
  headers.set('content-type', contentType);
  try {
    await jetstream(side.nats.connection).publish(inSubject(WMS, event, messageId), payload, { headers });
    return true;
  } catch (error) {
    if ((error as { code?: number }).code === 10_077) return false;
    throw error;
  }
}

const verdictOn = (event: string, messageId: string) =>
  eventually(`the verdict on ${event} ${messageId}`, async () => {
    const stored = await side.nats.last('EARMARK_ACK', ackSubject(WMS, event, messageId));
    return stored?.json<{ verdict: string; reason: string; metadata: Record<string, string> }>();
  });

describe('an exchange over NATS', () => {
  it('reaches FULFILLED by the simulated warehouse alone, and the last values agree with the database', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'earmark-simulator-'));
    const quick = { startDelayMs: 10, pickDelayMs: 10, shipDelayMs: 10, execArgv: [] };
    const simulator = await startSimulator({ ...quick, natsUrl: server.url, wms: WMS, dataDir });
    try {
      const { trackingId } = await reserve();
      await eventually('FULFILLED', async () => (await stateOf(trackingId)) === 'FULFILLED');
      const events = await eventually('the events', async () => {
        const found = (await side.nats.subjects('EARMARK_EVENT')).filter((subject) => subject.endsWith(trackingId));
        return found.length === 4 && found.map((subject) => subject.split('.')[3]);
      });
      expect(events).toEqual(['reserved', 'preparing', 'ready', 'fulfilled']);
      const audit = await side.events.list({ ...NO_EVENT_FILTER, trackingId }, { size: 10, token: '' });
      expect(audit.rows.map((event) => event.traceId)).toEqual([TRACE_ID, TRACE_ID, TRACE_ID, TRACE_ID]);
      await eventually('the last value', async () => {
        const [view] = await side.stock.readPools([{ sku: 'SHOE-1', warehouse: SITE }]);
        const stored = await side.nats.last('EARMARK_STATE', `earmark.v1.state.${WMS}.${SITE}.SHOE-1`);
        const value = stored?.json<{ version: string; onHand: number; reserved: number }>();
        return view !== undefined && value?.version === String(view.level.version) && value.onHand === 998;
      });
    } finally {
      await simulator.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('R10: takes a message once, however often it is sent', async () => {
    const { trackingId } = await reserve();
    const id = randomUUID();
    const sent = [];
    for (let time = 0; time < 10; time += 1) sent.push(await send('pick-started', id, { trackingId }));
    expect(sent.filter(Boolean)).toHaveLength(1);
    expect(await verdictOn('pick-started', id)).toMatchObject({ verdict: 'VERDICT_ACCEPTED' });
    expect(await stateOf(trackingId)).toBe('PREPARING');
  });

  it('has one effect for a message delivered again after its stream was made anew', async () => {
    const { trackingId } = await reserve();
    const id = randomUUID();
    const body = { trackingId, occurredTime: '2026-01-01T00:00:00Z' };
    await send('shipment-confirmed', id, body);
    await eventually('FULFILLED', async () => (await stateOf(trackingId)) === 'FULFILLED');
    const [before] = await side.stock.readPools([{ sku: 'SHOE-1', warehouse: SITE }]);
    const manager = await jetstreamManager(side.nats.connection);
    await manager.streams.delete('EARMARK_IN_sim');
    await side.nats.keeper.ensure();
    const handled = submissions;
    expect(await send('shipment-confirmed', id, body)).toBe(true);
    await eventually('the second delivery', async () => submissions > handled);
    await send('pick-started', `after-${id}`, { trackingId });
    await verdictOn('pick-started', `after-${id}`);
    const [after] = await side.stock.readPools([{ sku: 'SHOE-1', warehouse: SITE }]);
    expect(after?.level).toEqual(before?.level);
  });

  it('takes binary protobuf where the content type says so', async () => {
    const { trackingId } = await reserve();
    const id = randomUUID();
    const message = create(PickStartedSchema, {
      messageId: id,
      warehouse: SITE,
      occurredTime: timestampNow(),
      trackingId,
    });
    await sendRaw('pick-started', id, toBinary(PickStartedSchema, message), 'application/protobuf');
    expect(await verdictOn('pick-started', id)).toMatchObject({ verdict: 'VERDICT_ACCEPTED' });
  });

  it('keeps the order of a reservation through an outage, while it tries again', async () => {
    const { trackingId } = await reserve();
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
    outages = 3;
    await send('pick-started', ids[0], { trackingId });
    await send('pick-confirmed', ids[1], { trackingId });
    await send('shipment-confirmed', ids[2], { trackingId });
    for (const [at, event] of ['pick-started', 'pick-confirmed', 'shipment-confirmed'].entries()) {
      expect(await verdictOn(event, ids[at] ?? ''), event).toMatchObject({ verdict: 'VERDICT_ACCEPTED' });
    }
    expect(await stateOf(trackingId)).toBe('FULFILLED');
  });
});

describe('what cannot be acted upon', () => {
  it.each([
    ['undecodable', 'pick-started', '{"no json', 'payload'],
    ['invalid', 'pick-started', '{"messageId":"ID","warehouse":"W1"}', 'occurred_time'],
    [
      'invalid-message-id',
      'pick-started',
      '{"messageId":"other","warehouse":"W1","trackingId":"T","occurredTime":"2026-01-01T00:00:00Z"}',
      'message_id',
    ],
    ['unknown-event', 'pick-forgotten', '{}', 'event'],
  ])('is parked as %s with a verdict, while others go on', async (reason, event, template, field) => {
    const { trackingId } = await reserve();
    const [poison, good] = [randomUUID(), randomUUID()];
    const payload = template.replace('ID', poison);
    await sendRaw(event, poison, payload);
    await send('pick-started', good, { trackingId });
    expect(await verdictOn('pick-started', good)).toMatchObject({ verdict: 'VERDICT_ACCEPTED' });
    expect(await verdictOn(event, poison)).toMatchObject({
      verdict: 'VERDICT_REJECTED',
      reason: 'INVALID_FIELD',
      metadata: { field: expect.stringContaining(field) },
    });
    const parked = await side.nats.last('EARMARK_DLQ', `earmark.v1.dlq.EARMARK_5FIN_5Fsim.sim.${reason}`);
    expect(parked?.string()).toBe(payload);
    expect(parked?.header.get('earmark-reason')).toBe(reason);
    expect(parked?.header.get('earmark-subject')).toBe(inSubject(WMS, event, poison));
    expect(parked?.header.get('content-type')).toBe('application/json');
  });

  it('is parked without a verdict where it could not be applied in any of its deliveries', async () => {
    const { trackingId } = await reserve();
    const [stuck, later] = [randomUUID(), randomUUID()];
    outages = Number.POSITIVE_INFINITY;
    await send('pick-started', stuck, { trackingId });
    const parked = await eventually('the parked message', () =>
      side.nats.last('EARMARK_DLQ', 'earmark.v1.dlq.EARMARK_5FIN_5Fsim.sim.not-applied'),
    );
    expect(parked.json()).toMatchObject({ messageId: stuck });
    expect(parked.header.get('earmark-deliveries')).toBe('2');
    outages = 0;
    await send('pick-started', later, { trackingId });
    expect(await verdictOn('pick-started', later)).toMatchObject({ verdict: 'VERDICT_ACCEPTED' });
    expect(await side.nats.last('EARMARK_ACK', ackSubject(WMS, 'pick-started', stuck))).toBeNull();
  });

  it('is refused as UNSUPPORTED where the contract names it and this version does not act on it', async () => {
    const id = randomUUID();
    await send('wms-status', id, { backlog: '3' });
    expect(await verdictOn('wms-status', id)).toMatchObject({ verdict: 'VERDICT_REJECTED', reason: 'UNSUPPORTED' });
  });
});

describe('the last values', () => {
  it('come back from the database after their stream was deleted', async () => {
    const manager = await jetstreamManager(side.nats.connection);
    await manager.streams.delete('EARMARK_STATE');
    await side.nats.keeper.ensure();
    const subject = `earmark.v1.state.${WMS}.W2.SHOE-1`;
    const stored = await eventually('the refill', () => side.nats.last('EARMARK_STATE', subject));
    expect(stored.json()).toMatchObject({ sku: 'SHOE-1', warehouse: 'W2', onHand: 1_000 });
  });
});
