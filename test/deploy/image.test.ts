import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';

const dockerfile = read('Dockerfile');
const CHECK_TIMEOUT_MS = 20_000;

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** The exec form of the last instruction of its kind. */
function execForm(pattern: RegExp): string[] {
  const found = [...dockerfile.matchAll(pattern)].at(-1)?.[1];
  if (found === undefined) throw new Error(`The Dockerfile has no ${pattern}.`);
  return JSON.parse(found) as string[];
}

async function runHealthcheck(port: number): Promise<number> {
  const [program, ...args] = execForm(/^ {4}CMD (\[.*\])$/gm);
  expect(program).toBe('node');
  const child = spawn(process.execPath, args, {
    env: { EARMARK_HTTP_PORT: String(port) },
    stdio: 'ignore',
    timeout: CHECK_TIMEOUT_MS,
  });
  const [code] = await once(child, 'exit');
  return code as number;
}

describe('the image', () => {
  it('runs what npm start runs, as a user who cannot change it', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
    expect(`exec ${execForm(/^CMD (\[.*\])$/gm).join(' ')}`).toBe(scripts.start);
    const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(lastStage).toMatch(/^USER node$/m);
    expect(lastStage.indexOf('COPY')).toBeLessThan(lastStage.indexOf('USER node'));
    expect(lastStage).not.toContain('--chown');
  });

  it('holds neither development tools nor the embedded servers', () => {
    expect(dockerfile).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
  });

  it('is stopped by the signal that drains', () => {
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });

  it('is built from a list of what goes in, so that no local file slips in', () => {
    const rules = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules).toEqual(['*', '!package.json', '!package-lock.json', '!.npmrc', '!src', '!adapters']);
  });
});

describe('the health check', () => {
  it.each([
    [200, 0],
    [503, 1],
  ])('for an answer of %i exits with %i', async (status, code) => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      expect(await runHealthcheck((server.address() as AddressInfo).port)).toBe(code);
      expect(paths).toEqual(['/readyz']);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('exits with 1 when nobody answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await runHealthcheck(port)).toBe(1);
  });
});
