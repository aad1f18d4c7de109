import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';

/** Starts a nats-server with JetStream for one test file alone; `stop()` also removes what it stored. */
export async function startTestNats(): Promise<EmbeddedServer> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-nats-'));
  const server = await startEmbeddedNats({
    dataDir: directory,
    port: 0,
    durable: false,
    serverBin: process.env.NATS_SERVER_BIN,
  });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
