import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { type CliRun, runCli } from './run-cli.ts';

const SHOES = `sku,name,product,warehouse,on_hand,warehouse_name,priority,country
SHOE-RED-42,"Red shoe, size 42",shoe,BERLIN-1,3,Berlin,10,DE
SHOE-RED-42,,,VENLO-1,2,Venlo,5,NL
SHOE-RED-43,"Red shoe, size 43",shoe,BERLIN-1,1,,,
`;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ natsUrl: inject('natsUrl') });
  const path = join(service.dataDir, 'shoes.csv');
  writeFileSync(path, SHOES);
  expect(await earmark('stock', 'import', path)).toMatchObject({ status: 0, stderr: '' });
});

afterAll(() => service?.stop());

function earmark(...args: string[]): Promise<CliRun> {
  return runCli(args, { EARMARK_DATA_DIR: service.dataDir });
}

interface LineDocument {
  readonly sku: string;
  readonly allocations: readonly { readonly warehouse: string }[];
}

function linesOf(run: CliRun): string[][] {
  const reservation = run.documents()[0]?.reservation as { readonly lines: readonly LineDocument[] };
  return reservation.lines.map(({ sku, allocations }) => [sku, ...allocations.map((part) => part.warehouse)]);
}

describe('what is held', () => {
  test('is swapped for another item, replaced, moved to another warehouse and released', async () => {
    await earmark('reserve', 'SHOE-RED-42', '--exchange', 'EX-4', '--warehouse', 'BERLIN-1');
    const swapped = await earmark('swap', '--exchange', 'EX-4', '--line', 'SHOE-RED-43', '--etag', 'v1', '--json');
    expect(linesOf(swapped)).toEqual([['SHOE-RED-43', 'BERLIN-1']]);
    const back = ['reserve', 'SHOE-RED-42', '--exchange', 'EX-4', '--warehouse', 'BERLIN-1'];
    expect((await earmark(...back)).stderr).toMatch(/^EXCHANGE_ALREADY_RESERVED/);
    expect(linesOf(await earmark(...back, '--replace', '--json'))).toEqual([['SHOE-RED-42', 'BERLIN-1']]);
    const moved = await earmark('transfer', '--exchange', 'EX-4', '--to', 'VENLO-1');
    expect(moved).toMatchObject({ status: 0, stderr: '' });
    expect(moved.stdout).toMatch(/VENLO-1/);
    expect(await earmark('release', '--exchange', 'EX-4')).toMatchObject({ status: 0 });
  });

  test('stays as it is where the swap or the transfer is refused', async () => {
    await earmark('reserve', 'SHOE-RED-42', '--exchange', 'EX-5', '--warehouse', 'BERLIN-1');
    const refused = [
      await earmark('swap', '--exchange', 'EX-5', '--line', 'SHOE-RED-43:9'),
      await earmark('swap', '--exchange', 'EX-5', '--line', 'SHOE-RED-43', '--etag', 'v9'),
      await earmark('transfer', '--exchange', 'EX-5', '--to', 'NOWHERE'),
    ];
    expect(refused.map(({ status, stderr }) => [status, stderr.split(':')[0]])).toEqual([
      [1, 'NO_STOCK'],
      [1, 'ETAG_MISMATCH'],
      [1, 'UNKNOWN_WAREHOUSE'],
    ]);
    expect(linesOf(await earmark('show', '--exchange', 'EX-5', '--json'))).toEqual([['SHOE-RED-42', 'BERLIN-1']]);
    await earmark('release', '--exchange', 'EX-5');
  });
});

describe('R19: what is not there', () => {
  test('is waited for, with a place in line, and held once it comes free', async () => {
    await earmark('reserve', 'SHOE-RED-43', '--exchange', 'EX-6');
    const waits = await earmark('reserve', 'SHOE-RED-43', '--exchange', 'EX-7', '--waitlist');
    expect(waits).toMatchObject({ status: 0, stderr: '' });
    expect(waits.stdout).toMatch(/WAITLISTED[\s\S]*1 waiting/);
    expect((await earmark('show', '--exchange', 'EX-7')).stdout).toMatch(/waits until[\s\S]*number 1 in line/);
    expect((await earmark('list', '--state', 'WAITLISTED')).stdout).toMatch(/EX-7/);
    await earmark('release', '--exchange', 'EX-6');
    expect((await earmark('show', '--exchange', 'EX-7')).stdout).toMatch(/RESERVED[\s\S]*1 held/);
    await earmark('release', '--exchange', 'EX-7');
  });

  test('is either waited for or forgotten', async () => {
    const both = await earmark('reserve', 'SHOE-RED-43', '--waitlist', '--partial');
    expect(both.status).toBe(2);
    expect(both.stderr).toMatch(/--partial.*--waitlist/);
  });

  test('R17: is an equivalent item for who accepts one', async () => {
    const url = `http://127.0.0.1:${service.httpPort}/earmark.v1.StockService/PutItems`;
    const items = [{ sku: 'SHOE-RED-43', name: 'Red shoe, size 43', equivalentSkus: ['SHOE-RED-42'] }];
    const headers = { 'content-type': 'application/json' };
    const put = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ requestId: 'equivalents', items }),
    });
    expect(put.status).toBe(200);
    const asked = ['reserve', 'SHOE-RED-43:2', '--exchange', 'EX-8'];
    expect((await earmark(...asked)).stderr).toMatch(/^NO_STOCK/);
    const held = await earmark(...asked, '--accept-substitutes');
    expect(held).toMatchObject({ status: 0, stderr: '' });
    expect(held.stdout).toMatch(/2 × SHOE-RED-42 for SHOE-RED-43/);
    const swapped = await earmark('swap', '--exchange', 'EX-8', '--line', 'SHOE-RED-43:2', '--accept-substitutes');
    expect(swapped.stdout).toMatch(/SHOE-RED-42 for SHOE-RED-43/);
    await earmark('release', '--exchange', 'EX-8');
  });
});
