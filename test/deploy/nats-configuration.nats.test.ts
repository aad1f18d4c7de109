import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findNatsBinary } from '../../adapters/embedded/nats-binary.ts';

const path = fileURLToPath(new URL('../../deploy/nats/nats.conf', import.meta.url));
const CHECK_TIMEOUT_MS = 20_000;

function check(env: Record<string, string>): { status: number | null; output: string } {
  const binary = findNatsBinary(process.env.NATS_SERVER_BIN);
  const run = spawnSync(binary, ['-t', '-c', path], { env, encoding: 'utf8', timeout: CHECK_TIMEOUT_MS });
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}

describe('the configuration of nats-server', () => {
  it('is one that nats-server accepts', () => {
    expect(check({ NATS_PASSWORD: 'earmark-dev-only' })).toMatchObject({ status: 0 });
  });

  it('does not start without a password', () => {
    const { status, output } = check({});
    expect(status).not.toBe(0);
    expect(output).toContain('NATS_PASSWORD');
  });

  it('has every message on disk before it is acknowledged', () => {
    expect(readFileSync(path, 'utf8')).toMatch(/^\s*sync_interval: always$/m);
  });

  it('shows its monitoring to nobody outside', () => {
    expect(readFileSync(path, 'utf8')).toMatch(/^http: "127\.0\.0\.1:8222"$/m);
  });
});
