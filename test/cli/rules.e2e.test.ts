import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { httpCall } from '../support/http-call.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { runCli } from './run-cli.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ natsUrl: inject('natsUrl') });
});

afterAll(() => service?.stop());

const earmark = (...args: string[]) => runCli(args, { EARMARK_DATA_DIR: service.dataDir });

function fileOf(name: string, text: string): string {
  const path = join(service.dataDir, name);
  writeFileSync(path, text);
  return path;
}

test('the rules are printed as JSON', async () => {
  const rules = JSON.parse((await earmark('rules', 'get')).stdout) as { version: string };
  expect(rules.version).toBe('1');
});

test('the rules are read, changed and put; from a version that is not the newest they are refused', async () => {
  const printed = (await earmark('rules', 'get')).stdout;
  const path = fileOf('rules.json', JSON.stringify({ ...JSON.parse(printed), lowThreshold: 2 }));
  const put = await earmark('rules', 'put', path, '--reason', 'tell early');
  expect({ status: put.status, stderr: put.stderr }).toEqual({ status: 0, stderr: '' });
  expect(put.stdout).toMatch(/^version 2 holds from 20\d\d-/);
  const now = JSON.parse((await earmark('rules', 'get')).stdout) as Record<string, unknown>;
  expect(now).toMatchObject({ version: '2', etag: 'v2', reason: 'tell early', lowThreshold: 2 });
  expect(JSON.parse((await earmark('rules', 'get', '--version', '1')).stdout)).toMatchObject({ version: '1' });
  const again = await earmark('rules', 'put', path);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain('ETAG_MISMATCH');
  const inAnswer = fileOf('answer.json', (await earmark('rules', 'get', '--json')).stdout);
  expect((await earmark('rules', 'put', inAnswer, '--json')).documents()[0]).toMatchObject({ rules: { version: '3' } });
});

test('rules are tried on what was decided before, and nothing is changed', async () => {
  const call = async (method: string, request: object) => {
    const { status, body } = await httpCall(service.httpPort, method, { requestId: randomUUID(), ...request });
    expect({ status, body }).toMatchObject({ status: 200 });
  };
  const receipts = [{ sku: 'SHOE', warehouse: 'W1', quantity: 5 }];
  await call('StockService/PutWarehouses', { warehouses: [{ code: 'W1', name: 'One', enabled: true }] });
  await call('StockService/PutItems', { items: [{ sku: 'SHOE', name: 'Shoe' }] });
  await call('StockService/ReceiveStock', { reason: 'delivery', receipts });
  for (const exchangeId of ['SIM-1', 'SIM-2']) {
    await call('ReservationService/Reserve', { exchangeId, lines: [{ sku: 'SHOE', quantity: 1 }] });
  }
  const path = fileOf('draft.json', JSON.stringify({ splitAllowed: true, defaultHoldWindow: '3600s' }));
  const tried = await earmark('rules', 'simulate', path, '--examples', '1');
  expect({ status: tried.status, stderr: tried.stderr }).toEqual({ status: 0, stderr: '' });
  expect(tried.stdout).toMatch(
    /^2 cases tried; nothing was changed\n {2}2 {2}accepted\n {2}0 {2}refused\n {2}2 {2}with another deadline\nfor example\n/,
  );
  expect(tried.stdout.match(/EM-[^:]*: would be held until /g)).toHaveLength(1);
  const [json] = (await earmark('rules', 'simulate', path, '--live', '--json')).documents();
  expect(json).toMatchObject({ casesChecked: '2', timedOtherwise: '2', nextPageToken: '' });
  const applied = await earmark('rules', 'apply', '--state', 'RESERVED', '--reason', 'a test');
  expect([applied.status, applied.stdout]).toEqual([
    0,
    expect.stringMatching(/^version \d+ applied: 0 of 2 reservations changed\n$/),
  ]);
});
