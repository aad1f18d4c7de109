import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';
import { connectNats } from '../../adapters/nats/connection.ts';
import { eventually, type NatsSide, openNatsSide } from '../support/nats-side.ts';
import { poolRow, reservationOf, reservationRow, warehouseOf } from '../support/outbox-rows.ts';

const NEVER = new AbortController().signal;

let directory: string;
let server: EmbeddedServer;
let side: NatsSide;

const start = () =>
  startEmbeddedNats({ dataDir: directory, port: 0, durable: true, serverBin: process.env.NATS_SERVER_BIN });

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'earmark-outage-'));
  server = await start();
  side = await openNatsSide(server, [warehouseOf('BER', 'sim')]);
});
afterAll(async () => {
  await side.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('publishing answers nothing while NATS is away, and goes on where it was once it is back', async () => {
  const before = reservationRow(reservationOf('EM-1'), 'reserved');
  expect(await side.publisher.publish([before], 1n, NEVER)).toEqual([before.outboxId]);
  server.kill();
  await eventually('the loss to be noticed', async () => !side.link.isUp());
  const during = [reservationRow(reservationOf('EM-2'), 'reserved'), poolRow('SHOE-1', 4)];
  expect(await side.publisher.publish(during, 1n, NEVER)).toEqual([]);
  server = await start();
  const ids = during.map((row) => row.outboxId);
  await eventually('the rows', async () => {
    const done = await side.publisher.publish(during, 1n, NEVER).catch(() => []);
    return done.length === ids.length;
  });
  expect(await side.publisher.publish([before, ...during], 1n, NEVER)).toHaveLength(3);
  const events = await side.subjects('EARMARK_EVENT');
  expect(events).toEqual(['earmark.v1.event.reserved.EM-1', 'earmark.v1.event.reserved.EM-2']);
});

it('a link to a server that is not there waits, throws nothing and can be closed', async () => {
  const link = connectNats({ url: 'nats://127.0.0.1:1', name: 'nowhere', random: () => 0 });
  expect(link.isUp()).toBe(false);
  expect(link.current()).toBeNull();
  await expect(link.connected(AbortSignal.timeout(50))).rejects.toThrow();
  await link.close();
  await expect(link.connected(NEVER)).rejects.toThrow('closed');
});
