import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyPostgresBinaries, findPostgresBinaries } from '../../adapters/embedded/postgres-binaries.ts';

const native = findPostgresBinaries(undefined);
let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'earmark binaries-'));
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

function versionOf(copy: string): string {
  return execFileSync(join(copy, 'bin', 'postgres'), ['--version'], { encoding: 'utf8', env: {} });
}

test('a copy runs, and is made once', () => {
  const copy = copyPostgresBinaries(native, parent);
  expect(versionOf(copy)).toMatch(/^postgres \(PostgreSQL\) 18\./);
  expect(copyPostgresBinaries(native, parent)).toBe(copy);
  expect(readdirSync(parent)).toHaveLength(1);
});

test('a copy from which files have been cleaned away is replaced', () => {
  const copy = copyPostgresBinaries(native, parent);
  rmSync(join(copy, 'lib'), { recursive: true });
  expect(copyPostgresBinaries(native, parent)).toBe(copy);
  expect(versionOf(copy)).toMatch(/18\./);
  expect(readdirSync(parent)).toHaveLength(1);
});

test('a directory of that name which others may write to is left alone', () => {
  const shared = join(copyPostgresBinaries(native, parent), '..');
  rmSync(shared, { recursive: true });
  mkdirSync(join(shared, 'native', 'bin'), { recursive: true });
  chmodSync(shared, 0o777);
  const copy = copyPostgresBinaries(native, parent);
  expect(copy).not.toBe(join(shared, 'native'));
  expect(versionOf(copy)).toMatch(/18\./);
});
