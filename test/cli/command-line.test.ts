import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkNode, remedyFor } from '../../adapters/cli/doctor/checks.ts';
import { findService, readCliEnvironment } from '../../adapters/cli/environment.ts';
import { runCommandLine } from '../../adapters/cli/run-command-line.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'earmark-command-line-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a command line inside this process, where nothing listens. */
async function run(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const status = await runCommandLine(args, {
    terminal: {
      write: (text) => {
        stdout += text;
        return Promise.resolve();
      },
      writeError: (text) => {
        stderr += text;
      },
      isInteractive: false,
      errorStream: new Writable(),
    },
    environment: readCliEnvironment({ EARMARK_URL: 'http://127.0.0.1:9', EARMARK_DATA_DIR: directory }),
    newId: () => 'id-1',
    clock: { now: () => 0 },
    interruption: new AbortController(),
  });
  return { status, stdout, stderr };
}

test.each([
  [[]],
  [['bogus']],
  [['reserve']],
  [['reserve', 'A:0']],
  [['reserve', 'A', '--hold', '3x']],
  [['reserve', 'A', '--unknown']],
  [['show']],
  [['show', 'EM-1']],
  [['release', '--exchange', 'EX-1', '--reason', 'BORED']],
  [['extend', '--exchange', 'EX-1']],
  [['extend', '--exchange', 'EX-1', '--by', '1d', '--until', '2026-12-31']],
  [['fulfil', '--exchange', 'EX-1', '--line', '1']],
  [['swap', '--exchange', 'EX-1']],
  [['swap', '--line', 'A']],
  [['swap', '--exchange', 'EX-1', '--line', 'A:0']],
  [['transfer', '--exchange', 'EX-1']],
  [['transfer', '--to', 'W2']],
  [['transfer', '--exchange', 'EX-1', '--to', 'W2', '--line', 'A:1']],
  [['list', '--state', 'GONE']],
  [['list', '--limit', '0']],
  [['stock', 'import']],
  [['stock', 'import', 'no-such-file.csv']],
  [['rules', 'put']],
  [['rules', 'put', 'no-such-file.json']],
  [['rules', 'put', 'package.json']],
  [['rules', 'put', 'README.md']],
  [['audit']],
  [['audit', 'export', '--format', 'xml']],
  [['audit', 'export', '--since', 'yesterday']],
  [['audit', 'verify', '--checkpoint', '12']],
  [['list', '--url', 'nonsense']],
])('wrong usage ends with status 2 and a word on standard error: %j', async (args) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).not.toBe('');
});

test.each([[['--help']], [['reserve', '--help']], [['stock', 'import', '--help']]])('%j helps', async (args) => {
  const { status, stdout } = await run(...args);
  expect(status).toBe(0);
  expect(stdout).toMatch(/Usage: earmark/);
});

test.each([['wms reconcile'], ['dlq list'], ['dlq replay']])(
  '%s says that it is not available in this version',
  async (command) => {
    const { status, stderr } = await run(...command.split(' '), '--some-option', 'argument');
    expect(status).toBe(1);
    expect(stderr).toBe(`"earmark ${command}" is not available in this version.\n`);
  },
);

test('says where it looked when nothing answers', async () => {
  const { status, stderr } = await run('list');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^UNAVAILABLE: no Earmark answers at http:\/\/127\.0\.0\.1:9; start it/);
  expect(JSON.parse((await run('list', '--json')).stderr)).toMatchObject({ reason: 'UNAVAILABLE', metadata: {} });
});

test('rejects a file before anything is sent', async () => {
  const path = join(directory, 'bad.csv');
  writeFileSync(path, 'sku,warehouse,on_hand\nA,W,1\nB,W,many\n');
  const { status, stderr } = await run('stock', 'import', path);
  expect(status).toBe(1);
  expect(stderr).toBe(`${path} was not imported:\n  line 3: on_hand "many" is no whole number from 0 to 1000000\n`);
});

describe('finding the service', () => {
  const dataDir = () => join(directory, 'data');
  const writeEndpoints = (pid: number) => {
    mkdirSync(dataDir(), { recursive: true });
    writeFileSync(join(dataDir(), 'endpoints.json'), JSON.stringify({ pid, httpPort: 4001, grpcPort: 4002 }));
  };
  const find = (env: Record<string, string>, asked?: string) =>
    findService(readCliEnvironment({ EARMARK_DATA_DIR: dataDir(), ...env }), asked);

  test('takes the process that runs over the data directory', () => {
    writeEndpoints(process.pid);
    expect(find({})).toEqual({ url: 'http://127.0.0.1:4001', grpcUrl: 'http://127.0.0.1:4002' });
    expect(find({ EARMARK_HOST: '::1' }).url).toBe('http://[::1]:4001');
    expect(find({ EARMARK_HOST: '0.0.0.0' }).url).toBe('http://127.0.0.1:4001');
  });

  test('does not believe a process that has ended', () => {
    // The largest process id there can be, and one more.
    writeEndpoints(4_194_305);
    expect(find({})).toEqual({ url: 'http://127.0.0.1:8080', grpcUrl: 'http://127.0.0.1:50051' });
  });

  test('believes the caller before the environment, and both before the data directory', () => {
    writeEndpoints(process.pid);
    expect(find({ EARMARK_URL: 'http://there:81/' }).url).toBe('http://there:81');
    expect(find({ EARMARK_URL: 'http://there:81' }, 'https://other').url).toBe('https://other');
    expect(find({ EARMARK_URL: 'http://127.0.0.1:4001' }).grpcUrl).toBe('http://127.0.0.1:4002');
    expect(find({ EARMARK_URL: 'http://there:4001' }).grpcUrl).toBe('http://there:50051');
    expect(() => find({}, 'ftp://there')).toThrow(/not an address/);
  });
});

test('the doctor knows a remedy for each thing that can be missing', () => {
  expect(checkNode('20.20.2').isOk).toBe(false);
  expect(checkNode('24.0.0').isOk).toBe(true);
  const remedies = ['not ready: postgres', 'not ready: nats', 'not ready: draining', 'not ready: x'].map(remedyFor);
  expect(new Set(remedies).size).toBe(4);
});

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LAUNCHER = join(ROOT, 'adapters/cli/earmark.js');

/** Runs the launcher under a Node that takes itself for another version. */
function launchUnder(version: string) {
  const disguise = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(disguise)}`, LAUNCHER, '--help'];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
}

test('a Node that is too old is told so in one sentence', () => {
  const { status, stdout, stderr } = launchUnder('20.20.2');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^earmark needs Node 24 or newer and was started by Node 20\.20\.2; [^\n]+\n$/);
  expect(launchUnder('24.0.0')).toMatchObject({ status: 0, stderr: '' });
});

test('the program npx runs can be executed', () => {
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: { earmark: string } };
  accessSync(join(ROOT, bin.earmark), constants.X_OK);
  expect(readFileSync(join(ROOT, bin.earmark), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});
