import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { createRefillTarget } from '../../adapters/nats/refill-target.ts';
import { startTestNats } from '../support/nats.ts';
import { type NatsSide, openNatsSide } from '../support/nats-side.ts';
import { poolRow, stockOf, viewOf, warehouseOf } from '../support/outbox-rows.ts';

const NEVER = new AbortController().signal;
/** More than one read's worth. */
const POOLS = 1_200;

let server: EmbeddedServer;
let side: NatsSide;
const warehouses = [warehouseOf('BER', 'sim')];
const views = Array.from({ length: POOLS }, (_, at) => viewOf(`SKU-${at}`, 2));

beforeAll(async () => {
  server = await startTestNats();
  const pools = new Map(views.map((view) => [view.level.sku, view]));
  side = await openNatsSide(server, [], { ...stockOf([], pools), warehouses: async () => [...warehouses] });
});
afterAll(async () => {
  await side.close();
  await server.stop();
});
beforeEach(async () => {
  await createRefillTarget(side.publisher).fill(views, 1n, NEVER);
});

const stateOf = async (sku: string) =>
  (await side.last('EARMARK_STATE', `earmark.v1.state.sim.BER.${sku}`))?.json<{ version: string; epoch: string }>();

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(side.connection);
  return (await manager.streams.info('EARMARK_STATE')).state.last_seq;
}

describe('filling the last values', () => {
  it('stores every pool once, and nothing where all is as it should be', async () => {
    const before = await lastSequence();
    expect(before).toBe(POOLS);
    await createRefillTarget(side.publisher).fill(views, 2n, NEVER);
    expect(await lastSequence()).toBe(before);
  });

  it('puts back what was purged a moment ago, although the same values were stored before', async () => {
    const target = createRefillTarget(side.publisher);
    const before = await target.streams();
    const manager = await jetstreamManager(side.connection);
    await manager.streams.purge('EARMARK_STATE', { filter: 'earmark.v1.state.sim.BER.SKU-7' });
    const after = await target.streams();
    expect(after?.values).toBe((before?.values ?? 0) - 1);
    await target.fill(views, 1n, NEVER);
    expect(await stateOf('SKU-7')).toMatchObject({ version: '2' });
  });

  it('replaces a value the database does not have, and publishing goes on from there', async () => {
    await side.publisher.publish([poolRow('SKU-1', 9)], 3n, NEVER);
    expect(await stateOf('SKU-1')).toMatchObject({ version: '9' });
    await createRefillTarget(side.publisher).fill(views, 4n, NEVER);
    expect(await stateOf('SKU-1')).toMatchObject({ version: '2', epoch: '4' });
    await side.publisher.publish([poolRow('SKU-1', 3)], 4n, NEVER);
    expect(await stateOf('SKU-1')).toMatchObject({ version: '3', epoch: '4' });
  });

  it('notices a warehouse system that was connected', async () => {
    const target = createRefillTarget(side.publisher);
    const before = await target.streams();
    warehouses.push(warehouseOf('HAM', 'other'));
    expect((await target.streams())?.incarnation).not.toBe(before?.incarnation);
  });
});
