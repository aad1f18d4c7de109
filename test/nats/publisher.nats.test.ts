import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { BATCH_MESSAGES_MAX, BATCH_MESSAGES_MIN } from '../../adapters/nats/atomic-batch.ts';
import type { StockView } from '../../src/ports.ts';
import { startTestNats } from '../support/nats.ts';
import { type NatsSide, openNatsSide } from '../support/nats-side.ts';
import {
  poolRow,
  releasedOf,
  reservationOf,
  reservationRow,
  stockOf,
  verdictRow,
  viewOf,
  warehouseOf,
} from '../support/outbox-rows.ts';

const BER = warehouseOf('BER', 'sim');
const NEVER = new AbortController().signal;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const STATE_SUBJECT = 'earmark.v1.state.sim.BER.SHOE-1';

let server: EmbeddedServer;
let pools: Map<string, StockView>;
let side: NatsSide;

beforeAll(async () => {
  server = await startTestNats();
});
afterAll(() => server.stop());
beforeEach(async () => {
  pools = new Map();
  side = await openNatsSide(server, [BER], stockOf([BER, warehouseOf('BARE', '')], pools));
  const manager = await jetstreamManager(side.connection);
  for await (const stream of manager.streams.list()) await manager.streams.delete(stream.config.name);
  await side.keeper.ensure();
});
afterEach(() => side.close());

const stateNow = async () =>
  (await side.last('EARMARK_STATE', STATE_SUBJECT))?.json<{ version: string; epoch: string }>();

describe('publishing a reservation', () => {
  it('tells channels the event and the warehouse what to hold and pick', async () => {
    const row = reservationRow(reservationOf('EM-1'), 'reserved', null, TRACEPARENT);
    expect(await side.publisher.publish([row], 7n, NEVER)).toEqual([row.outboxId]);
    expect(await side.subjects('EARMARK_EVENT')).toEqual(['earmark.v1.event.reserved.EM-1']);
    expect(await side.subjects('EARMARK_OUT')).toEqual([
      'earmark.v1.out.sim.reservation-requested.BER.EM-1',
      'earmark.v1.out.sim.pick-requested.BER.EM-1',
    ]);
    const [requested] = await side.messages('EARMARK_OUT');
    expect(requested?.json()).toMatchObject({
      messageId: 'r:00000000-0000-7000-8000-000000000EM1:1:reservation-requested:BER',
      warehouse: 'BER',
      version: '1',
      epoch: '7',
      trackingId: 'EM-1',
      state: 'RESERVATION_STATE_RESERVED',
      lines: [{ lineNumber: 1, sku: 'SHOE-1', quantity: 2 }],
    });
    const headers = requested?.header;
    expect(headers?.get('ce-specversion')).toBe('1.0');
    expect(headers?.get('ce-type')).toBe('earmark.wms.v1.ReservationRequested');
    expect(headers?.get('ce-subject')).toBe('EM-1');
    expect(headers?.get('ce-sequence')).toBe('1');
    expect(headers?.get('ce-time')).toBe('2026-01-02T03:04:05.000Z');
    expect(headers?.get('content-type')).toBe('application/json');
    expect(headers?.get('Nats-Msg-Id')).toBe(headers?.get('ce-id'));
    expect(headers?.get('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c');
  });

  it('keeps the order of one reservation, and calls the pick off on release', async () => {
    const reserved = reservationOf('EM-2');
    const released = releasedOf(reserved);
    const rows = [reservationRow(reserved, 'reserved'), reservationRow(released, 'released', reserved)];
    expect(await side.publisher.publish(rows, 1n, NEVER)).toEqual(rows.map((row) => row.outboxId));
    expect(await side.subjects('EARMARK_OUT')).toEqual([
      'earmark.v1.out.sim.reservation-requested.BER.EM-2',
      'earmark.v1.out.sim.pick-requested.BER.EM-2',
      'earmark.v1.out.sim.reservation-released.BER.EM-2',
      'earmark.v1.out.sim.pick-cancelled.BER.EM-2',
    ]);
  });

  it('stores nothing twice when rows are published again', async () => {
    const rows = [
      reservationRow(reservationOf('EM-3'), 'reserved'),
      poolRow('SHOE-1', 3),
      verdictRow('sim', 'pick-started', 'm1', { kind: 'ACCEPTED', reason: '', metadata: {} }),
    ];
    const ids = rows.map((row) => row.outboxId);
    for (let time = 0; time < 3; time += 1) {
      expect((await side.publisher.publish(rows, 1n, NEVER)).toSorted()).toEqual(ids.toSorted());
    }
    for (const [stream, count] of [
      ['EARMARK_OUT', 3],
      ['EARMARK_EVENT', 1],
      ['EARMARK_ACK', 1],
    ] as const) {
      expect(await side.messages(stream), stream).toHaveLength(count);
    }
    const manager = await jetstreamManager(side.connection);
    expect((await manager.streams.info('EARMARK_STATE')).state.last_seq).toBe(1);
  });

  it('sends what belongs to one stream together, and does not keep what is new from being stored by what is known', async () => {
    const rows = Array.from({ length: 2 * BATCH_MESSAGES_MIN }, (_, at) =>
      reservationRow(reservationOf(`EM-B${at}`), 'reserved'),
    );
    const ids = rows.map((row) => row.outboxId);
    expect(await side.publisher.publish(rows.slice(0, BATCH_MESSAGES_MIN), 1n, NEVER)).toEqual(
      ids.slice(0, BATCH_MESSAGES_MIN),
    );
    const batches = (await side.messages('EARMARK_OUT')).map((message) => message.header.get('Nats-Batch-Id'));
    expect(new Set(batches).size).toBe(1);
    expect(batches[0]).not.toBe('');
    expect(await side.publisher.publish(rows, 1n, NEVER)).toEqual(ids);
    expect(await side.messages('EARMARK_EVENT')).toHaveLength(rows.length);
    expect(await side.messages('EARMARK_OUT')).toHaveLength(2 * rows.length);
  });

  it('publishes more than one batch can carry, in order', async () => {
    const rows = Array.from({ length: BATCH_MESSAGES_MAX + 50 }, (_, at) =>
      reservationRow(reservationOf(`EM-M${at}`), 'reserved'),
    );
    expect(await side.publisher.publish(rows, 1n, NEVER)).toEqual(rows.map((row) => row.outboxId));
    expect(await side.subjects('EARMARK_EVENT')).toEqual(
      rows.map((row) => `earmark.v1.event.reserved.${row.topic === 'reservation' ? row.reservation.trackingId : ''}`),
    );
  });

  it('goes one by one where a stream takes no batches yet', async () => {
    await side.keeper.stop();
    const manager = await jetstreamManager(side.connection);
    await manager.streams.update('EARMARK_OUT', { allow_atomic: false });
    const rows = Array.from({ length: BATCH_MESSAGES_MIN }, (_, at) =>
      reservationRow(reservationOf(`EM-A${at}`), 'reserved'),
    );
    expect(await side.publisher.publish(rows, 1n, NEVER)).toEqual(rows.map((row) => row.outboxId));
    expect(await side.messages('EARMARK_OUT')).toHaveLength(2 * rows.length);
  });

  it('gives verdicts of two warehouse systems on the same message id', async () => {
    const verdict = { kind: 'REJECTED', reason: 'TOO_LATE', metadata: { state: 'RELEASED' } } as const;
    const rows = [verdictRow('sim', 'pick-started', 'm1', verdict), verdictRow('other', 'pick-started', 'm1', verdict)];
    expect(await side.publisher.publish(rows, 1n, NEVER)).toHaveLength(2);
    const stored = await side.messages('EARMARK_ACK');
    expect(stored.map((message) => message.subject).toSorted()).toEqual([
      'earmark.v1.ack.other.pick-started.m1',
      'earmark.v1.ack.sim.pick-started.m1',
    ]);
    expect(stored[0]?.json()).toMatchObject({ messageId: 'm1', verdict: 'VERDICT_REJECTED', reason: 'TOO_LATE' });
  });

  it('answers only rows of which every message was stored', async () => {
    const blocked = reservationRow(reservationOf('EM-4'), 'reserved');
    const unconnected = reservationRow(reservationOf('EM-5', { site: 'BARE' }), 'reserved');
    await side.keeper.stop();
    const manager = await jetstreamManager(side.connection);
    const session = await side.publisher.session();
    expect(session).not.toBeNull();
    await manager.streams.update('EARMARK_OUT', { subjects: ['elsewhere.out'] });
    expect(await side.publisher.publish([blocked, unconnected], 1n, NEVER)).toEqual([unconnected.outboxId]);
    expect((await manager.streams.info('EARMARK_OUT')).config.subjects).toEqual(['earmark.v1.out.*.*.*.*']);
    expect(await side.publisher.publish([blocked], 1n, NEVER)).toEqual([blocked.outboxId]);
    expect(await side.messages('EARMARK_EVENT')).toHaveLength(2);
  });
});

describe('publishing a pool', () => {
  it('sends the newest of its rows, as count, state and availability', async () => {
    const rows = [poolRow('SHOE-1', 1), poolRow('SHOE-1', 2), poolRow('SHOE-1', 3, { reserved: 4 })];
    expect((await side.publisher.publish(rows, 1n, NEVER)).toSorted()).toEqual(
      rows.map((row) => row.outboxId).toSorted(),
    );
    const counts = await side.messages('EARMARK_OUT');
    expect(counts.map((message) => message.subject)).toEqual(['earmark.v1.out.sim.reserved-count-set.BER.SHOE-1']);
    expect(counts[0]?.json()).toMatchObject({ version: '3', reserved: 4, onHand: 10, unavailable: 0, available: 6 });
    expect(await stateNow()).toMatchObject({ version: '3', reserved: 4 });
    const availability = await side.last('EARMARK_AVAILABILITY', 'earmark.v1.availability.BER.SHOE-1');
    expect(availability?.json()).toMatchObject({
      availability: { onHand: 10, reserved: 4, available: 6, shortage: 0, due: 0, flag: 'AVAILABILITY_FLAG_IN_STOCK' },
    });
  });

  it('has no state where no warehouse system is connected', async () => {
    await side.publisher.publish([poolRow('SHOE-1', 1, { warehouse: 'BARE' })], 1n, NEVER);
    expect(await side.messages('EARMARK_STATE')).toHaveLength(0);
    expect(await side.messages('EARMARK_AVAILABILITY')).toHaveLength(1);
  });

  it('never lets an older value replace a newer one, whoever publishes it', async () => {
    const other = await openNatsSide(server, [BER], stockOf([BER], pools));
    pools.set('SHOE-1', viewOf('SHOE-1', 9));
    await side.publisher.publish([poolRow('SHOE-1', 5)], 2n, NEVER);
    await other.publisher.publish([poolRow('SHOE-1', 9)], 2n, NEVER);
    const stale = poolRow('SHOE-1', 7);
    expect(await side.publisher.publish([stale], 2n, NEVER)).toEqual([stale.outboxId]);
    expect(await stateNow()).toMatchObject({ version: '9', epoch: '2' });
    await side.publisher.publish([poolRow('SHOE-1', 12)], 1n, NEVER);
    expect(await stateNow()).toMatchObject({ version: '9', epoch: '2' });
    await other.close();
  });

  it('keeps that for many pools at once, and stores those that nobody else has', async () => {
    const other = await openNatsSide(server, [BER], stockOf([BER], pools));
    const skus = Array.from({ length: BATCH_MESSAGES_MIN + 1 }, (_, at) => `SHOE-${at + 1}`);
    for (const sku of skus) pools.set(sku, viewOf(sku, 9));
    await side.publisher.publish(
      skus.map((sku) => poolRow(sku, 5)),
      2n,
      NEVER,
    );
    await other.publisher.publish([poolRow('SHOE-1', 9), poolRow('SHOE-2', 9)], 2n, NEVER);
    const rows = skus.map((sku) => poolRow(sku, 7));
    expect(await side.publisher.publish(rows, 2n, NEVER)).toEqual(rows.map((row) => row.outboxId));
    const versions = skus.map(async (sku) =>
      (await side.last('EARMARK_STATE', `earmark.v1.state.sim.BER.${sku}`))?.json<{ version: string }>(),
    );
    expect((await Promise.all(versions)).map((value) => value?.version)).toEqual([
      '9',
      '9',
      ...Array.from({ length: skus.length - 2 }, () => '7'),
    ]);
    await other.close();
  });

  it('sends the numbers once for rows that wait, and again under a new leader', async () => {
    await side.publisher.publish([poolRow('SHOE-1', 3)], 2n, NEVER);
    const late = poolRow('SHOE-1', 3);
    expect(await side.publisher.publish([late], 2n, NEVER)).toEqual([late.outboxId]);
    const sequence = async () => (await jetstreamManager(side.connection)).streams.info('EARMARK_STATE');
    expect((await sequence()).state.last_seq).toBe(1);
    await side.publisher.publish([poolRow('SHOE-1', 3)], 3n, NEVER);
    expect((await sequence()).state.last_seq).toBe(2);
    expect(await stateNow()).toMatchObject({ version: '3', epoch: '3' });
  });

  it('asks the database when a new leader meets a higher version of an earlier one', async () => {
    await side.publisher.publish([poolRow('SHOE-1', 9)], 2n, NEVER);
    pools.set('SHOE-1', viewOf('SHOE-1', 9));
    await side.publisher.publish([poolRow('SHOE-1', 4)], 3n, NEVER);
    expect(await stateNow()).toMatchObject({ version: '9', epoch: '3' });
    pools.set('SHOE-1', viewOf('SHOE-1', 5));
    await side.publisher.publish([poolRow('SHOE-1', 4)], 4n, NEVER);
    expect(await stateNow()).toMatchObject({ version: '5', epoch: '4' });
  });

  it('replaces a stored value that cannot be read', async () => {
    await jetstream(side.connection).publish(STATE_SUBJECT, 'no json');
    await side.publisher.publish([poolRow('SHOE-1', 1)], 1n, NEVER);
    expect(await stateNow()).toMatchObject({ version: '1' });
  });
});
