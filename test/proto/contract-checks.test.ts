import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CONTRACT_IMAGE,
  findBreakingChanges,
  findGeneratedDrift,
  PROTO_CHECKS,
  REPOSITORY_ROOT,
} from '../support/proto-checks.ts';

describe('the contract as committed', () => {
  test.each(PROTO_CHECKS.map((check) => [check.name, check] as const))('passes: %s', (_name, check) => {
    expect(check.run(REPOSITORY_ROOT)).toEqual([]);
  });

  test('has the image that the newest change-log entry names', () => {
    const newestEntry = readFileSync(join(REPOSITORY_ROOT, 'CHANGELOG.md'), 'utf8').split(/^## /m)[1] ?? '';
    const named = /^Contract image: sha256 ([0-9a-f]{64})$/m.exec(newestEntry)?.[1];
    const actual = createHash('sha256')
      .update(readFileSync(join(REPOSITORY_ROOT, CONTRACT_IMAGE)))
      .digest('hex');
    expect(named, 'renew the image only together with an entry in CHANGELOG.md').toBe(actual);
  });
});

describe('a changed copy of the contract', () => {
  let copy = '';

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'earmark-contract-'));
    for (const path of ['buf.yaml', 'buf.gen.yaml', 'proto', join('src', 'gen')]) {
      cpSync(join(REPOSITORY_ROOT, path), join(copy, path), { recursive: true });
    }
  });

  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  const edit = (path: string, from: string, to: string) => {
    const before = readFileSync(join(copy, path), 'utf8');
    expect(before).toContain(from);
    writeFileSync(join(copy, path), before.replace(from, to));
  };

  test('without changes shows neither drift nor breaking changes', () => {
    expect(findGeneratedDrift(copy)).toEqual([]);
    expect(findBreakingChanges(copy)).toEqual([]);
  });

  test('with a new field but old generated code shows drift, and breaks nobody', () => {
    edit('proto/earmark/v1/refusal.proto', 'int32 code = 1;', 'int32 code = 1;\n  // New.\n  string extra = 5;');
    expect(findGeneratedDrift(copy)).toEqual([expect.stringContaining('refusal_pb.ts is not what its proto yields')]);
    expect(findBreakingChanges(copy)).toEqual([]);
  });

  test('with generated code edited by hand shows drift', () => {
    appendFileSync(join(copy, 'src/gen/earmark/v1/refusal_pb.ts'), '\n');
    expect(findGeneratedDrift(copy)).toHaveLength(1);
  });

  test('with a generated file left over or missing shows drift', () => {
    writeFileSync(join(copy, 'src/gen/earmark/v1/left_over_pb.ts'), '');
    rmSync(join(copy, 'src/gen/earmark/v1/stream_pb.ts'));
    expect(findGeneratedDrift(copy)).toEqual([
      expect.stringContaining('left_over_pb.ts belongs to no proto'),
      expect.stringContaining('stream_pb.ts is missing'),
    ]);
  });

  test.each([
    ['renamed', 'string postal_code = 2', 'string postcode = 2'],
    ['renumbered', 'string postal_code = 2', 'string postal_code = 3'],
    ['retyped', 'string postal_code = 2', 'bytes postal_code = 2'],
  ])('with a field %s breaks callers', (_how, from, to) => {
    edit('proto/earmark/v1/reserve.proto', from, to);
    expect(findBreakingChanges(copy)).not.toEqual([]);
  });
});
