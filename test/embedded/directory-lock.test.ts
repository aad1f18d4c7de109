import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from '../../adapters/embedded/directory-lock.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'earmark-lock-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a lock that is held is refused, one that was released is given again', () => {
  const release = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(
    /is in use by process \d+: stop it, or choose another EARMARK_DATA_DIR\.$/,
  );
  release();
  const releaseAgain = lockDirectory(directory);
  release();
  expect(() => lockDirectory(directory)).toThrow(/in use/);
  releaseAgain();
  expect(readdirSync(directory)).toEqual([]);
});

test('the lock of a process that has ended is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(directory, 'lock'), `${pid} unknown left\n`);
  lockDirectory(directory);
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});

test('a lock whose pid now belongs to another process is taken over', () => {
  writeFileSync(join(directory, 'lock'), `${process.ppid} another-boot/1 left\n`);
  lockDirectory(directory);
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});

test('a lock file that was cut off by a power failure is taken over', () => {
  writeFileSync(join(directory, 'lock'), '');
  lockDirectory(directory);
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});
