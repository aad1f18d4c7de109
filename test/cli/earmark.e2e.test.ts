import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type CliRun, runCli, startCli } from './run-cli.ts';

const IMPORTED_ROWS = 1_200;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ natsUrl: inject('natsUrl') });
  const { status, stderr } = await earmark('stock', 'import', fileOf('shoes.csv', SHOES));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

afterAll(() => service?.stop());

const SHOES = `sku,name,product,warehouse,on_hand,warehouse_name,priority,country
SHOE-RED-42,"Red shoe, size 42",shoe,BERLIN-1,3,Berlin,10,DE
SHOE-RED-42,,,VENLO-1,2,Venlo,5,NL
SHOE-RED-43,"Red shoe, size 43",shoe,BERLIN-1,1,,,
`;

/** The service is found through its data directory, as on a developer's machine. */
function env(): Record<string, string> {
  return { EARMARK_DATA_DIR: service.dataDir };
}

function earmark(...args: string[]): Promise<CliRun> {
  return runCli(args, env());
}

function fileOf(name: string, text: string): string {
  const path = join(service.dataDir, name);
  writeFileSync(path, text);
  return path;
}

interface ReservationDocument {
  readonly reservationId: string;
  readonly trackingId: string;
  readonly state: string;
  readonly expireTime: string;
}

function reservationOf(run: CliRun): ReservationDocument {
  const [document] = run.documents();
  return document?.reservation as ReservationDocument;
}

describe('one exchange', () => {
  test('is reserved, shown by each of its ids, extended and released', async () => {
    const reserved = await earmark('reserve', 'SHOE-RED-42', '--exchange', 'EX-1', '--case', 'C-1', '--json');
    expect(reserved.status).toBe(0);
    const { trackingId, reservationId, expireTime } = reservationOf(reserved);
    const typed = trackingId.toLowerCase().replaceAll('-', ' ');
    for (const target of [[typed], [reservationId], ['--exchange', 'EX-1']]) {
      const shown = await earmark('show', ...target);
      expect(shown).toMatchObject({ status: 0, stderr: '' });
      expect(shown.stdout).toMatch(new RegExp(`^${trackingId}\n {2}state {7}RESERVED\n {2}exchange {4}EX-1\n`));
    }
    const extended = reservationOf(await earmark('extend', trackingId, '--by', '2d', '--json'));
    expect(Date.parse(extended.expireTime) - Date.parse(expireTime)).toBe(172_800_000);
    const released = await earmark('release', '--exchange', 'EX-1', '--reason', 'CANCELLED');
    expect(released.stdout).toMatch(/state {7}RELEASED \(CANCELLED\)/);
  });

  test('is fulfilled, and a release afterwards is refused with its reason on standard error', async () => {
    await earmark('reserve', 'SHOE-RED-42', '--exchange', 'EX-2');
    expect((await earmark('fulfil', '--exchange', 'EX-2')).stdout).toMatch(/state {7}FULFILLED/);
    const refused = await earmark('release', '--exchange', 'EX-2');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^ALREADY_FULFILLED: [^\n]+\n {2}resolve_time {2}[^\n]+\n {2}state {9}FULFILLED\n$/);
  });

  test('gets its first answer again under the same request id', async () => {
    const args = ['reserve', 'SHOE-RED-42', '--exchange', 'EX-3', '--request-id', 'R-3', '--json'];
    const first = await earmark(...args);
    const again = await earmark(...args);
    expect(reservationOf(again)).toEqual(reservationOf(first));
    expect([first, again].map((run) => run.documents()[0]?.replayed)).toEqual([false, true]);
  });
});

describe('a refusal', () => {
  test('ends with status 1 and tells the numbers', async () => {
    const { status, stdout, stderr } = await earmark('reserve', 'SHOE-RED-43:9');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^NO_STOCK: /);
    expect(stderr).toMatch(/^ {2}requested {2}9$/m);
    expect(stderr).toMatch(/^ {2}sku {8}SHOE-RED-43$/m);
  });

  test('is one JSON document on standard error where JSON is asked for', async () => {
    const { status, stdout, stderr } = await earmark('--json', 'show', '--exchange', 'never-seen');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ code: 5, reason: 'UNKNOWN_RESERVATION' });
  });

  test('wrong usage ends with status 2 and asks the service nothing', async () => {
    expect(await earmark('reserve')).toMatchObject({ status: 2, stdout: '' });
    expect(await earmark('show', 'EM-TYPO')).toMatchObject({ status: 2, stdout: '' });
  });

  test('validating holds nothing', async () => {
    const before = await earmark('availability', 'SHOE-RED-43', '--json');
    expect((await earmark('reserve', 'SHOE-RED-43', '--validate-only')).stdout).toMatch(/nothing is held/);
    expect((await earmark('availability', 'SHOE-RED-43', '--json')).stdout).toBe(before.stdout);
  });
});

test('lists by state over several pages, one JSON document per line', async () => {
  // While some of it waits no warehouse begins it, however slowly the commands follow each other.
  for (const exchange of ['L-1', 'L-2', 'L-3']) {
    await earmark('reserve', 'SHOE-RED-43:900', '--waitlist', '--exchange', exchange, '--case', 'listed');
    await earmark('release', '--exchange', exchange);
  }
  const listed = await earmark('list', '--case', 'listed', '--state', 'released,expired', '--json');
  expect(listed.documents().map((document) => document.exchangeId)).toEqual(['L-3', 'L-2', 'L-1']);
  const limited = await earmark('list', '--case', 'listed', '--limit', '2');
  expect(limited.stdout.match(/EM-/g)).toHaveLength(2);
  expect(limited.stderr).toMatch(/There are more/);
});

test('watches a reservation until it is resolved', async () => {
  const { trackingId } = reservationOf(await earmark('reserve', 'SHOE-RED-42', '--exchange', 'W-1', '--json'));
  const watching = startCli(['watch', trackingId], env());
  await watching.line((line) => line.includes('  RESERVED until '));
  await earmark('release', trackingId, '--reason', 'REFUNDED');
  const { status, stdout } = await watching.ended;
  expect(status).toBe(0);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/RELEASED \(REFUNDED\)/);
});

test('watches availability until it is interrupted', async () => {
  const watching = startCli(['availability', 'SHOE-RED-43', '--watch', '--json'], env());
  const isPool = (reserved: number) => (line: string) =>
    (JSON.parse(line) as { reserved: number; sku: string }).reserved === reserved;
  await watching.line(isPool(0));
  await earmark('reserve', 'SHOE-RED-43', '--exchange', 'W-2');
  await watching.line(isPool(1));
  watching.interrupt();
  expect((await watching.ended).status).toBe(0);
  await earmark('release', '--exchange', 'W-2');
});

describe('stock files', () => {
  const rows = Array.from({ length: IMPORTED_ROWS }, (_, at) => {
    const sku = `BULK-${String(Math.floor(at / 2)).padStart(4, '0')}`;
    return `${sku},=${sku},BULK-${(at % 2) + 1},${at % 50}`;
  });
  const bulk = (on = rows) => fileOf('bulk.csv', `sku,name,warehouse,on_hand\n${on.join('\n')}\n`);
  const bulkExport = () => earmark('stock', 'export', '--warehouse', 'BULK-1', '--warehouse', 'BULK-2');

  test('importing twice leaves the same stock, and a crash half way is mended by a repetition', async () => {
    const first = await earmark('stock', 'import', bulk(), '--json');
    expect(first.documents()).toMatchObject([{ rows: IMPORTED_ROWS, repeatedRows: 0, batches: 3 }]);
    const exported = await bulkExport();
    const again = await earmark('stock', 'import', bulk(), '--json');
    expect(again.documents()).toMatchObject([{ rows: IMPORTED_ROWS, repeatedRows: IMPORTED_ROWS }]);
    const after = await bulkExport();
    expect(after.stdout).toBe(exported.stdout);
    expect(after.stdout.trimEnd().split('\n')).toHaveLength(IMPORTED_ROWS + 1);
  });

  test('a repetition does not undo what was sold since, but --again counts anew', async () => {
    const availableOf = async () => (await earmark('availability', 'BULK-0024', '--json')).documents()[1]?.onHand;
    expect(await availableOf()).toBe(49);
    await earmark('reserve', 'BULK-0024', '--exchange', 'SOLD', '--warehouse', 'BULK-2');
    await earmark('fulfil', '--exchange', 'SOLD');
    await earmark('stock', 'import', bulk());
    expect(await availableOf()).toBe(48);
    await earmark('stock', 'import', bulk(), '--again');
    expect(await availableOf()).toBe(49);
  });

  test('what is exported imports as the same', async () => {
    const exported = await earmark('stock', 'export');
    expect(exported.stdout).toMatch(/^BULK-0000,'=BULK-0000,/m);
    const again = await earmark('stock', 'import', fileOf('exported.csv', exported.stdout));
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect((await earmark('stock', 'export')).stdout).toBe(exported.stdout);
  });

  test('an import keeps what it does not speak of', async () => {
    const path = fileOf('counts.csv', 'sku,warehouse,on_hand\nSHOE-RED-43,BERLIN-1,1\n');
    expect(await earmark('stock', 'import', path)).toMatchObject({ status: 0 });
    const exported = (await earmark('stock', 'export', '--sku', 'SHOE-RED-43')).stdout;
    expect(exported).toMatch(/^SHOE-RED-43,"Red shoe, size 43",shoe,BERLIN-1,1,0,0,Berlin,10,DE,/m);
  });

  test('one wrong row stops the whole file before anything is sent', async () => {
    const before = await bulkExport();
    const path = bulk([...rows.slice(0, 700), 'BULK-NEW,new,BULK-1,lots']);
    const refused = await earmark('stock', 'import', path);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/line 702: on_hand "lots" is no whole number/);
    expect((await bulkExport()).stdout).toBe(before.stdout);
  });
});

describe('the evidence', () => {
  test('is exported with an unbroken chain of hashes', async () => {
    const reserved = await earmark('reserve', 'SHOE-RED-42', '--exchange', 'EV-1', '--json');
    const { trackingId } = reservationOf(reserved);
    await earmark('extend', trackingId, '--by', '1d');
    await earmark('release', trackingId);
    const events = (await earmark('audit', 'export', trackingId)).documents();
    expect(events.map((event) => event.kind)).toEqual(['reserved', 'extended', 'released']);
    for (const event of events) expect(Buffer.from(String(event.hash), 'base64')).toHaveLength(32);
    const csv = await earmark('audit', 'export', '--exchange', 'EV-1', '--kind', 'released', '--format', 'csv');
    const [heading, line, ...others] = csv.stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^createTime,eventId,reservationId,trackingId,/);
    expect(line).toContain(`,${trackingId},3,EV-1,released,`);
    expect(others).toEqual([]);
  });

  test('R3: shows zero drift, and a planted drift of one unit with exit status 1', async () => {
    expect(await earmark('audit', 'verify')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/zero drift\n$/),
    });
    const database = new pg.Client({ connectionString: service.databaseUrl });
    await database.connect();
    const plant = (units: number) =>
      database.query(
        "update stock_pool set reserved = reserved + $1 where sku = 'SHOE-RED-42' and warehouse = 'BERLIN-1'",
        [units],
      );
    try {
      await plant(1);
      const drifting = await earmark('audit', 'verify');
      expect(drifting.status).toBe(1);
      const told = /^drift \S+ SHOE-RED-42 BERLIN-1: expected (\d+), found (\d+)/m.exec(drifting.stdout);
      expect(Number(told?.[2]) - Number(told?.[1])).toBe(1);
      expect((await earmark('doctor', '--deep')).stdout).toMatch(/^failed {2}ledger: /m);
    } finally {
      await plant(-1);
      await database.end();
    }
  });
});

test('the doctor finds everything well, on both ports', async () => {
  const { status, stdout } = await earmark('doctor', '--json');
  const checks = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; ok: boolean; detail: string });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(status).toBe(0);
  expect(checks.find(({ check }) => check === 'gRPC port')?.detail).toContain(`:${service.grpcPort} says SERVING`);
});

test('start runs the service, passes a signal on and ends as the service does', async () => {
  const database = await createTestDatabase('cli');
  const running = startCli(['start'], {
    DATABASE_URL: database.url,
    NATS_URL: inject('natsUrl'),
    EARMARK_DATA_DIR: join(service.dataDir, 'started'),
    EARMARK_HTTP_PORT: '0',
    EARMARK_GRPC_PORT: '0',
  });
  try {
    const { event, httpPort } = JSON.parse(await running.line(() => true)) as { event: string; httpPort: number };
    expect(event).toBe('ready');
    expect(await runCli(['list', '--url', `http://127.0.0.1:${httpPort}`])).toMatchObject({ status: 0 });
    running.interrupt();
    expect((await running.ended).status).toBe(0);
    await expect(fetch(`http://127.0.0.1:${httpPort}/livez`)).rejects.toThrow();
  } finally {
    running.interrupt();
    await running.ended;
    await database.drop();
  }
});

test('start ends with the status of a service that cannot start', async () => {
  const { status, stderr } = await runCli(['start'], { EARMARK_HTTP_PORT: 'none' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/EARMARK_HTTP_PORT must be a whole number/);
});

test('the simulated warehouse refuses flags it lacks', async () => {
  const { status, stderr } = await earmark('wms', 'simulate', '--wms', 'sim');
  expect({ status, stderr }).toEqual({ status: 2, stderr: '--wms and --data-dir are required.\n' });
});
