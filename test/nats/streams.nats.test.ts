import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startStreamKeeper } from '../../adapters/nats/stream-keeper.ts';
import { driftOf, FIXED_STREAMS, inboundStream } from '../../adapters/nats/streams.ts';
import { inSubject } from '../../adapters/nats/subjects.ts';
import { startTestNats } from '../support/nats.ts';
import { eventually, type NatsSide, openNatsSide } from '../support/nats-side.ts';
import { stockOf, warehouseOf } from '../support/outbox-rows.ts';

let server: EmbeddedServer;
let side: NatsSide;
const warehouses = [warehouseOf('BER', 'w.1')];

beforeAll(async () => {
  server = await startTestNats();
  side = await openNatsSide(server, [], { ...stockOf([]), warehouses: async () => [...warehouses] });
});
afterAll(async () => {
  await side.close();
  await server.stop();
});

describe('streams', () => {
  it('are all there after a start, as the contract lists them', async () => {
    const manager = await jetstreamManager(side.connection);
    const names = [];
    for await (const { config } of manager.streams.list()) names.push(config.name);
    expect(names.toSorted()).toEqual([
      'EARMARK_ACK',
      'EARMARK_AVAILABILITY',
      'EARMARK_DLQ',
      'EARMARK_EVENT',
      'EARMARK_EXCHANGE',
      'EARMARK_IN_w_2E1',
      'EARMARK_OUT',
      'EARMARK_STATE',
    ]);
    for (const spec of [...FIXED_STREAMS, inboundStream('w.1')]) {
      expect(driftOf(spec, (await manager.streams.info(spec.name)).config), spec.name).toEqual([]);
    }
  });

  it('are made again after they were deleted, and put right after they were changed', async () => {
    const manager = await jetstreamManager(side.connection);
    await manager.streams.delete('EARMARK_OUT');
    await manager.streams.update('EARMARK_STATE', { max_msgs_per_subject: 5 });
    await side.keeper.ensure();
    expect((await manager.streams.info('EARMARK_OUT')).config.subjects).toEqual(['earmark.v1.out.*.*.*.*']);
    expect((await manager.streams.info('EARMARK_STATE')).config.max_msgs_per_subject).toBe(1);
  });

  it('are made again without being asked', async () => {
    const manager = await jetstreamManager(side.connection);
    await manager.streams.delete('EARMARK_EVENT');
    await eventually('the stream', () => manager.streams.info('EARMARK_EVENT').catch(() => null));
  });

  it('come with a warehouse system that is added', async () => {
    warehouses.push(warehouseOf('HAM', 'later'));
    await side.keeper.ensure();
    const manager = await jetstreamManager(side.connection);
    expect((await manager.streams.info('EARMARK_IN_later')).config.subjects).toEqual(['earmark.v1.in.later.*.*']);
  });

  it('refuse a message id for the whole retention, not only for a while', async () => {
    const js = jetstream(side.connection);
    await js.publish(inSubject('w.1', 'pick-started', 'm1'), '1');
    await expect(js.publish(inSubject('w.1', 'pick-started', 'm1'), '2')).rejects.toMatchObject({ code: 10_077 });
    await js.publish(inSubject('w.1', 'pick-started', 'm2'), '3');
    expect(await side.messages('EARMARK_IN_w_2E1')).toHaveLength(2);
  });

  it('are checked one after the other when NATS comes back, and nothing is thrown while it is away', async () => {
    const away = startStreamKeeper({
      link: { ...side.link, current: () => null, isUp: () => false, connected: () => new Promise(() => undefined) },
      warehouses: async () => [],
    });
    await expect(away.ensure()).rejects.toThrow('NATS is away');
  });
});
