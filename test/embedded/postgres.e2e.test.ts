import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { findProcessesIn } from '../../adapters/embedded/processes-in-directory.ts';
import { killOwner, spawnOwner, startOwnedServer } from './owned-server.ts';

let root: string;
let dataDir: string;
const running: EmbeddedServer[] = [];

beforeEach(() => {
  // A private directory with a space in its name: as root the server account cannot pass it.
  root = mkdtempSync(join(tmpdir(), 'earmark embedded-'));
  chmodSync(root, 0o700);
  dataDir = join(root, 'postgres');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  expect(findProcessesIn(join(dataDir, 'data'), 'postgres')).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

async function start(durable = false): Promise<EmbeddedServer> {
  const server = await startEmbeddedPostgres({ dataDir, port: 0, durable });
  running.push(server);
  return server;
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a durable server offers PostgreSQL 18 with the database earmark, in UTC and UTF-8, on loopback alone', async () => {
  const { url } = await start(true);
  const [row] = await query(
    url,
    `select current_database() as database, current_setting('server_version_num')::int / 10000 as major,
       current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
       current_setting('timezone') as zone, current_setting('server_encoding') as encoding,
       current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets,
       current_setting('max_connections')::int as connections`,
  );
  expect(row).toEqual({
    database: 'earmark',
    major: 18,
    fsync: 'on',
    commit: 'on',
    zone: 'UTC',
    encoding: 'UTF8',
    listen: '127.0.0.1',
    sockets: '',
    connections: 100,
  });
});

test('nobody gets in without the password, which only the owner can read', async () => {
  const { url } = await start();
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, 'data')).mode & 0o777).toBe(0o700);
});

test('a restart keeps the data, the password and the port', async () => {
  const first = await start();
  await query(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a taken port is replaced by another one', async () => {
  const first = await start();
  await first.stop();
  const port = Number(new URL(first.url).port);
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
  const second = await start();
  expect(new URL(second.url).port).not.toBe(String(port));
  await new Promise((resolve) => squatter.close(resolve));
});

test('a second start on the same directory is refused in one sentence, and harms nothing', async () => {
  const { url } = await start();
  await expect(startEmbeddedPostgres({ dataDir, port: 0, durable: false })).rejects.toThrow(
    `The data directory ${dataDir} is in use by process ${process.pid}: stop it, or choose another EARMARK_DATA_DIR.`,
  );
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('of two first starts at once one succeeds and one is refused', async () => {
  const outcomes = await Promise.allSettled([start(), start()]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
  const [winner] = running;
  expect(await query(winner!.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('stop ends a server that has open transactions', async () => {
  const server = await start();
  const client = new pg.Client({ connectionString: server.url });
  const lost = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await client.query('begin');
  await server.stop();
  expect(await lost).toMatchObject({ code: '57P01' });
});

test('after a kill the next start finds what was committed', async () => {
  const first = await start(true);
  await query(first.url, 'create table kept as select 42 as answer');
  first.kill();
  await first.exited;
  const second = await start(true);
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a killed owner leaves no process behind, and the next start finds what was committed', async () => {
  const { owner, url } = await startOwnedServer('postgres', dataDir);
  await query(url, 'create table kept as select 42 as answer');
  await killOwner(owner);
  await vi.waitFor(() => expect(findProcessesIn(join(dataDir, 'data'), 'postgres')).toEqual([]), { timeout: 3_000 });
  const next = await start();
  expect(next.url).toBe(url);
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a start waits while the server of a killed owner is still there', async () => {
  const { owner, url, pid } = await startOwnedServer('postgres', dataDir);
  await query(url, 'create table kept as select 42 as answer');
  process.kill(pid, 'SIGSTOP');
  await killOwner(owner);
  const events: string[] = [];
  const log = (line: string) => {
    events.push(line);
    if (line.startsWith('waiting')) process.kill(pid, 'SIGCONT');
  };
  const next = await startEmbeddedPostgres({ dataDir, port: 0, durable: false, log });
  running.push(next);
  expect(events[0]).toBe('waiting for the previous PostgreSQL to end');
  expect(next.url).toBe(url);
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a start after the first one was killed half way creates the cluster anew', async () => {
  const owner = spawnOwner('postgres', dataDir);
  await vi.waitFor(() => statSync(join(dataDir, 'data.new', 'base')), { timeout: 10_000, interval: 5 });
  await killOwner(owner);
  const next = await start();
  expect(await query(next.url, 'select current_database() as name')).toEqual([{ name: 'earmark' }]);
});

test('a pid file left by a killed server is no obstacle when its pid belongs to another program now', async () => {
  await (await start()).stop();
  const cluster = join(dataDir, 'data');
  const { uid } = statSync(cluster);
  const stranger = spawn('sleep', ['60'], { cwd: '/', uid });
  await once(stranger, 'spawn');
  writeFileSync(join(cluster, 'postmaster.pid'), `${stranger.pid}\n${cluster}\n0\n5432\n\n\n\n`);
  try {
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    stranger.kill();
  }
});

test('a server that is not ready in time is ended', async () => {
  await expect(startEmbeddedPostgres({ dataDir, port: 0, durable: false, startTimeoutMs: 100 })).rejects.toThrow(
    /^initdb was not done in time/,
  );
  await (await start()).stop();
  await expect(startEmbeddedPostgres({ dataDir, port: 0, durable: false, startTimeoutMs: 1 })).rejects.toThrow(
    /^PostgreSQL was not ready in time/,
  );
  await start();
});

test('a lost password file is explained', async () => {
  await (await start()).stop();
  rmSync(join(dataDir, 'password'));
  await expect(start()).rejects.toThrow(/^The password of .*data is missing: restore .*password, or remove .*\.$/);
});
