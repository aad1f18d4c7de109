import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { connectNats, type NatsLink } from '../../adapters/nats/connection.ts';
import { createPublisher, type NatsPublisher } from '../../adapters/nats/publisher.ts';
import { type StreamKeeper, startStreamKeeper } from '../../adapters/nats/stream-keeper.ts';
import type { Warehouse } from '../../src/domain/sourcing.ts';
import type { StockReader } from '../../src/ports.ts';
import { stockOf } from './outbox-rows.ts';

const WAIT_MS = 20_000;
const POLL_MS = 20;

/** The NATS side of one process, over a server of the test. */
export interface NatsSide {
  readonly link: NatsLink;
  readonly connection: NatsConnection;
  readonly keeper: StreamKeeper;
  readonly publisher: NatsPublisher;
  /** Every message of a stream, in order. */
  messages(stream: string): Promise<StoredMsg[]>;
  /** The subjects of a stream, in order. */
  subjects(stream: string): Promise<string[]>;
  last(stream: string, subject: string): Promise<StoredMsg | null>;
  close(): Promise<void>;
}

export async function openNatsSide(
  server: EmbeddedServer,
  warehouses: readonly Warehouse[],
  stock: Pick<StockReader, 'warehouses' | 'readPools'> = stockOf(warehouses),
): Promise<NatsSide> {
  const link = connectNats({ url: server.url, name: 'test', random: () => 0.5 });
  const connection = await link.connected(AbortSignal.timeout(WAIT_MS));
  const keeper = startStreamKeeper({ link, warehouses: stock.warehouses });
  await keeper.ensure();
  const publisher = createPublisher({ link, stock, ensureStreams: keeper.ensure });
  const manager = await jetstreamManager(connection);
  const messages = async (stream: string) => {
    const { state } = await manager.streams.info(stream);
    const found: StoredMsg[] = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage(stream, { seq }).catch(() => null);
      if (message !== null) found.push(message);
    }
    return found;
  };
  return {
    link,
    connection,
    keeper,
    publisher,
    messages,
    subjects: async (stream) => (await messages(stream)).map((message) => message.subject),
    last: (stream, subject) => manager.streams.getMessage(stream, { last_by_subj: subject }).catch(() => null),
    close: async () => {
      await keeper.stop();
      await link.close();
    },
  };
}

/** Waits until `probe` answers something, and answers that. @throws Error naming what was waited for */
export async function eventually<T>(what: string, probe: () => Promise<T | null | undefined | false>): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  while (performance.now() < deadline) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    await sleep(POLL_MS);
  }
  throw new Error(`waited ${WAIT_MS} ms for ${what}`);
}
