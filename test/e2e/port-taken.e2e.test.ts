import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test.each(['EARMARK_GRPC_PORT', 'EARMARK_HTTP_PORT'])(
  'a taken %s is told in one sentence, and all is stopped',
  async (variable) => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const dataDir = await mkdtemp(join(tmpdir(), 'earmark-port-'));
    const child = spawn(process.execPath, ['--import', './src/telemetry.ts', 'src/main.ts'], {
      cwd: join(import.meta.dirname, '../..'),
      env: {
        PATH: process.env.PATH,
        NATS_SERVER_BIN: process.env.NATS_SERVER_BIN,
        EARMARK_DATA_DIR: dataDir,
        EARMARK_GRPC_PORT: '0',
        EARMARK_HTTP_PORT: '0',
        [variable]: String(port),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let output = '';
    child.stderr.on('data', (bytes) => {
      output += String(bytes);
    });
    const [exitCode] = await once(child, 'close');
    other.close();
    await rm(dataDir, { recursive: true, force: true });
    expect(exitCode).toBe(1);
    expect(output.trimEnd().split('\n').at(-1)).toBe(
      `Earmark could not start: port ${port} of 127.0.0.1 is taken; set ${variable} to another one, or to 0 for a free one`,
    );
    // Nothing may go on working while the servers under it are stopped.
    expect(output).not.toContain('"level":"warn"');
  },
);
