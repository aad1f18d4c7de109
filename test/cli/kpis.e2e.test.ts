import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { runCli } from './run-cli.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ natsUrl: inject('natsUrl') });
});

afterAll(() => service?.stop());

const earmark = (...args: string[]) => runCli(args, { EARMARK_DATA_DIR: service.dataDir });

test('the figures are printed for people and as JSON', async () => {
  const { status, stdout, stderr } = await earmark('kpis', '--by', 'day', '--list', 'resolved');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^resolved +0$/m);
  expect(stdout).toMatch(/^refused, no stock +0 of 0 \(0\.0 %\)$/m);
  expect(stdout).toMatch(/There is no such reservation\.\n$/);
  const [document] = (await earmark('kpis', '--since', '2026-01-01', '--json')).documents();
  expect(document).toMatchObject({ total: { resolved: '0' }, startTime: '2026-01-01T00:00:00Z', timeZone: 'UTC' });
});

test('a period or a breakdown that is none is refused', async () => {
  const refused = await earmark('kpis', '--since', '2001-01-01', '--until', '2019-01-01');
  expect({ status: refused.status, reason: refused.stderr.split(':')[0] }).toEqual({
    status: 1,
    reason: 'INVALID_FIELD',
  });
  expect((await earmark('kpis', '--by', 'moon')).status).toBe(2);
});
