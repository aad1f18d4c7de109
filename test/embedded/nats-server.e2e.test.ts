import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';
import { isRunning, killOwner, startOwnedServer } from './owned-server.ts';

let root: string;
let dataDir: string;
const running: EmbeddedServer[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'earmark embedded-'));
  dataDir = join(root, 'nats');
});

afterEach(async () => {
  const stopped = running.splice(0);
  await Promise.all(stopped.map((server) => server.stop()));
  expect(stopped.filter((server) => isRunning(server.pid))).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

async function start(): Promise<EmbeddedServer> {
  const server = await startEmbeddedNats({
    dataDir,
    port: 0,
    durable: true,
    serverBin: process.env.NATS_SERVER_BIN,
  });
  running.push(server);
  return server;
}

async function withConnection<Result>(url: string, work: (nc: NatsConnection) => Promise<Result>): Promise<Result> {
  const { host, username, password } = new URL(url);
  const nc = await connect({ servers: host, user: username, pass: password, reconnect: false });
  try {
    return await work(nc);
  } finally {
    await nc.close();
  }
}

async function store(url: string, text: string): Promise<void> {
  await withConnection(url, async (nc) => {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: 'KEPT', subjects: ['kept.>'], storage: StorageType.File });
    await jetstream(nc).publish('kept.one', text);
  });
}

async function readStored(url: string): Promise<string | undefined> {
  return await withConnection(url, async (nc) => {
    const jsm = await jetstreamManager(nc);
    return (await jsm.streams.getMessage('KEPT', { seq: 1 }))?.string();
  });
}

test('nobody gets in without the password, which only the owner can read', async () => {
  const { url } = await start();
  await expect(connect({ servers: new URL(url).host, reconnect: false })).rejects.toThrow(/authorization/i);
  expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, 'nats-server.conf')).mode & 0o777).toBe(0o600);
});

test('a restart keeps the messages, the password and the port', async () => {
  const first = await start();
  await store(first.url, 'hello');
  await first.stop();
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await readStored(second.url)).toBe('hello');
});

test('a second start on the same directory is refused in one sentence, and harms nothing', async () => {
  const { url } = await start();
  await store(url, 'hello');
  await expect(startEmbeddedNats({ dataDir, port: 0, durable: true })).rejects.toThrow(
    `The data directory ${dataDir} is in use by process ${process.pid}: stop it, or choose another EARMARK_DATA_DIR.`,
  );
  expect(await readStored(url)).toBe('hello');
});

test('after a kill the next start finds what was acknowledged', async () => {
  const first = await start();
  await store(first.url, 'hello');
  first.kill();
  await first.exited;
  const second = await start();
  expect(await readStored(second.url)).toBe('hello');
});

test('a killed owner leaves no process behind, and the next start finds what was acknowledged', async () => {
  const { owner, url, pid } = await startOwnedServer('nats', dataDir);
  await store(url, 'hello');
  await killOwner(owner);
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 3_000 });
  const next = await start();
  expect(next.url).toBe(url);
  expect(await readStored(next.url)).toBe('hello');
});

test('a start waits while the server of a killed owner is still there', async () => {
  const { owner, url, pid } = await startOwnedServer('nats', dataDir);
  await store(url, 'hello');
  process.kill(pid, 'SIGSTOP');
  await killOwner(owner);
  const events: string[] = [];
  const log = (line: string) => {
    events.push(line);
    if (line.startsWith('waiting')) process.kill(pid, 'SIGCONT');
  };
  const next = await startEmbeddedNats({
    dataDir,
    port: 0,
    durable: true,
    log,
    serverBin: process.env.NATS_SERVER_BIN,
  });
  running.push(next);
  expect(events[0]).toBe('waiting for the previous nats-server to end');
  expect(await readStored(next.url)).toBe('hello');
});

test('without a program the caller is asked for one', async () => {
  await expect(startEmbeddedNats({ dataDir, port: 0, durable: true, serverBin: join(root, 'absent') })).rejects.toThrow(
    `${join(root, 'absent')} cannot be run: set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a server.`,
  );
});

test('a program that does not start is explained by what it printed', async () => {
  const serverBin = join(root, 'broken');
  writeFileSync(serverBin, '#!/bin/sh\necho the disk is full >&2\nexit 1\n', { mode: 0o755 });
  await expect(startEmbeddedNats({ dataDir, port: 0, durable: true, serverBin })).rejects.toThrow(
    /^nats-server did not start \(log in .*\): the disk is full$/,
  );
});
