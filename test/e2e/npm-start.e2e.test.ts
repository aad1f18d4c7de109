import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { httpCall, until } from '../support/http-call.ts';

const ROOT = join(import.meta.dirname, '../..');
const READY_MAX_MS = 60_000;

interface Started {
  readonly child: ChildProcess;
  readonly ready: { pid: number; grpcPort: number; httpPort: number; databaseUrl: string; natsUrl: string };
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

describe('npm start', () => {
  const dirs: string[] = [];

  afterAll(async () => {
    for (const dir of dirs) await rm(dir, { recursive: true, force: true });
  });

  const newDir = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'earmark start '));
    dirs.push(dir);
    return dir;
  };

  test('brings everything up, carries an exchange to its end, stops cleanly and starts again on its data', async () => {
    const dataDir = await newDir();
    const first = await start(dataDir);
    expect(first.ready.databaseUrl).toContain('***');
    expect(first.ready.natsUrl).toContain('***');
    const file = join(dataDir, 'endpoints.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8')).databaseUrl).not.toContain('***');
    expect(first.output()).toContain('npx earmark reserve');

    const reserved = await httpCall(first.ready.httpPort, 'ReservationService/Reserve', {
      requestId: 'start-1',
      exchangeId: 'START-1',
      lines: [{ sku: 'SHOE-RED-42', quantity: 1 }],
    });
    expect(reserved.body.reservation.trackingId).toMatch(/^EM-/);
    await until('the simulated warehouse to ship', async () => {
      const state = await stateOf(first, 'START-1');
      return state === 'RESERVATION_STATE_FULFILLED';
    });
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(await processesOf(dataDir)).toEqual([]);

    const second = await start(dataDir);
    expect(await stateOf(second, 'START-1')).toBe('RESERVATION_STATE_FULFILLED');
    const ledger = await httpCall(second.ready.httpPort, 'AuditService/VerifyLedger', {});
    expect(ledger.body.drifts ?? []).toEqual([]);
    second.child.kill('SIGINT');
    expect(await second.exited).toBe(0);
    expect(alarming(first.output() + second.output())).toEqual([]);
  });

  test('leaves no process after a SIGKILL, and the next start recovers what was acknowledged', async () => {
    const dataDir = await newDir();
    const first = await start(dataDir);
    const acknowledged: string[] = [];
    const load = (async () => {
      for (let at = 0; ; at += 1) {
        const { status, body } = await httpCall(first.ready.httpPort, 'ReservationService/Reserve', {
          requestId: `kill-${at}`,
          exchangeId: `KILL-${at}`,
          lines: [{ sku: 'SHIRT-NAVY-M', quantity: 1 }],
        });
        if (status === 200) acknowledged.push(body.reservation.reservationId);
      }
    })().catch(() => undefined);
    await until('some load', async () => acknowledged.length >= 20);
    process.kill(first.ready.pid, 'SIGKILL');
    await load;
    await until('every process to be gone', async () => (await processesOf(dataDir)).length === 0);

    const second = await start(dataDir);
    for (const reservationId of acknowledged) {
      const { status } = await httpCall(second.ready.httpPort, 'ReservationService/GetReservation', { reservationId });
      expect(status).toBe(200);
    }
    const ledger = await httpCall(second.ready.httpPort, 'AuditService/VerifyLedger', {});
    expect(ledger.body.drifts ?? []).toEqual([]);
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
  });

  test('says in one sentence what is wrong with the environment, and exits 2', async () => {
    const child = launch(await newDir(), { EARMARK_GRPC_PORT: 'many' });
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(2);
    expect(errors.trim().split('\n')).toEqual([expect.stringContaining('EARMARK_GRPC_PORT')]);
  });
});

function launch(dataDir: string, env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, ['--import', './src/telemetry.ts', 'src/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      EARMARK_DATA_DIR: dataDir,
      EARMARK_GRPC_PORT: '0',
      EARMARK_HTTP_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function start(dataDir: string): Promise<Started> {
  const child = launch(dataDir);
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (child.stdout === null) throw new TypeError('standard output is piped');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await until('the ready line', async () => lines.length > 0, READY_MAX_MS);
  const welcome = () => text.includes('Try a first exchange');
  await until('the welcome', async () => welcome());
  return { child, ready: JSON.parse(lines[0] ?? ''), output: () => text, exited };
}

async function stateOf(started: Started, exchangeId: string): Promise<string> {
  const { body } = await httpCall(started.ready.httpPort, 'ReservationService/GetReservation', { exchangeId });
  return body.reservation.state;
}

/** Command lines of living processes that name the data directory. */
async function processesOf(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const [command, cwd] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    if (command.includes(dataDir) || cwd.startsWith(dataDir)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Lines that would worry a newcomer: warnings, errors, stack traces. */
function alarming(text: string): string[] {
  return text.split('\n').filter((line) => /"level":"(warn|error)"|warning|deprecat|^\s+at /i.test(line));
}
