import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkDirections, checkPackages } from './support/import-rules.ts';
import { checkRoot, checkWords } from './support/project-rules.ts';
import {
  checkEnvironment,
  checkFileName,
  checkLength,
  checkModule,
  checkPurity,
  checkStatements,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
} from './support/shape-rules.ts';
import { parseSource, type SourceFile } from './support/source-file.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEXT = /\.(ts|md|json|ya?ml|proto|toml|sh|html|css|js|mjs|sql|csv)$|(^|\/)(Dockerfile|LICENSE|\.[a-z]+|run)$/;

/** Files that are kept or about to be: tracked ones and new ones that are not ignored, deleted ones left out. */
const paths = listFiles();
const texts = new Map(paths.filter((path) => TEXT.test(path)).map((path) => [path, readFileSync(ROOT + path, 'utf8')]));
const written = [...texts].filter(([path]) => path.endsWith('.ts') && !path.startsWith('src/gen/'));
const sources = written.map(([path, text]) => parseSource(path, text));

function listFiles(): string[] {
  const list = (...args: string[]) =>
    execFileSync('git', ['ls-files', '-z', ...args], { cwd: ROOT, encoding: 'utf8', timeout: 20_000 })
      .split('\0')
      .filter((path) => path !== '');
  const deleted = new Set(list('--deleted'));
  return [...new Set(list('--cached', '--others', '--exclude-standard'))].filter((path) => !deleted.has(path)).sort();
}

/** What a rule says of one planted file. */
function planted(rule: (file: SourceFile) => string[], path: string, text: string): string[] {
  return rule(parseSource(path, text));
}

test('the files of the project are found', () => {
  expect(paths).toContain('src/domain/reservation.ts');
  expect(paths).toContain('test/architecture.test.ts');
  expect(sources.flatMap((file) => file.imports).length).toBeGreaterThan(100);
});

describe('every file', () => {
  const rules: [string, (file: SourceFile) => string[]][] = [
    ['imports only in the directions of the architecture', checkDirections],
    ['leaves packages to their owners', checkPackages],
    ['keeps the domain free of waiting, clocks and randomness', checkPurity],
    ['leaves the environment to its one reader', checkEnvironment],
    ['exports by name and is no barrel', checkModule],
    ['is short, and so are its functions', checkLength],
    ['leaves row locks and transactions to the files that own them', checkStatements],
  ];
  test.each(rules)('%s', (_, rule) => {
    expect(sources.flatMap(rule)).toEqual([]);
  });

  test('has a name that says what it holds', () => {
    expect(paths.flatMap(checkFileName)).toEqual([]);
  });

  test('lies in a folder that belongs to the project', () => {
    expect([...new Set(paths.flatMap(checkRoot))]).toEqual([]);
  });

  test('speaks of the product alone', () => {
    const own = [...texts].filter(([path]) => path !== 'package-lock.json' && !path.startsWith('proto/third_party/'));
    expect(own.flatMap(([path, text]) => checkWords(path, text))).toEqual([]);
  });
});

describe('a planted import', () => {
  test.each([
    ['src/domain/a.ts', `import { reserve } from '../use-cases/reserve.ts';`],
    ['src/domain/a.ts', `import type { Clock } from '../ports.ts';`],
    ['src/domain/a.ts', `export { reserve } from '../use-cases/reserve.ts';`],
    ['src/domain/a.ts', `export * from '../use-cases/reserve.ts';`],
    ['src/domain/a.ts', `type Clock = import('../ports.ts').Clock;`],
    ['src/ports.ts', `import { toConfig } from './config.ts';`],
    ['src/use-cases/a.ts', `import { orm } from '../persistence/orm.ts';`],
    ['src/use-cases/a.ts', `const orm = await import('../persistence/orm.ts');`],
    ['src/persistence/a.ts', `import { door } from '../transport/grpc-door.ts';`],
    ['src/persistence/a.ts', `import { reserve } from '../use-cases/reserve.ts';`],
    ['src/persistence/a.ts', `import { readEnv } from '../config.ts';`],
    ['src/transport/a.ts', `import { Orm } from '../persistence/orm.ts';`],
    ['src/transport/a.ts', `import { NO_NEEDS } from '../ports.ts';`],
    ['src/transport/a.ts', `import { subjects } from '../../adapters/nats/subjects.ts';`],
    ['src/workers/a.ts', `import { door } from '../transport/grpc-door.ts';`],
    ['src/workers/a.ts', `import { start } from '../main.ts';`],
    ['adapters/wms/a.ts', `import { orm } from '../../src/persistence/orm.ts';`],
    ['adapters/wms/a.ts', `import { start } from '../embedded/postgres.ts';`],
    ['src/main.ts', `import { start } from './service.ts';`, 'allowed'],
    ['src/workers/a.ts', `import { case1 } from '../../test/support/postgres.ts';`],
    ['src/persistence/a.ts', `import type { Config } from '../config.ts';`, 'allowed'],
    ['src/transport/a.ts', `import { type UnitOfWork } from '../ports.ts';`, 'allowed'],
    ['adapters/wms/a.ts', `import { subjects } from '../nats/subjects.ts';`, 'allowed'],
    ['test/a.test.ts', `import { orm } from '../src/persistence/orm.ts';`, 'allowed'],
  ])('in %s is judged: %s %s', (path, text, verdict = 'refused') => {
    expect(planted(checkDirections, path, text)).toHaveLength(verdict === 'allowed' ? 0 : 1);
  });

  test.each([
    ['src/domain/a.ts', `import { join } from 'node:path';`],
    ['src/domain/a.ts', `import { trace } from '@opentelemetry/api';`],
    ['src/use-cases/a.ts', `import { MikroORM } from '@mikro-orm/postgresql';`],
    ['src/workers/a.ts', `import pg from 'pg';`],
    ['adapters/cli/a.ts', `const pg = await import('pg');`],
    ['src/observability.ts', `import { NodeSDK } from '@opentelemetry/sdk-node';`],
    ['src/use-cases/a.ts', `import { parse } from '@bufbuild/cel';`],
    ['src/workers/a.ts', `import { connect } from '@nats-io/transport-node';`],
    ['src/workers/a.ts', `import { Server } from '@grpc/grpc-js';`],
    ['src/observability.ts', `import { trace } from '@opentelemetry/api';`, 'allowed'],
    ['src/persistence/a.ts', `import pg from 'pg';`, 'allowed'],
    ['src/telemetry.ts', `import { NodeSDK } from '@opentelemetry/sdk-node';`, 'allowed'],
  ])('of a package in %s is judged: %s %s', (path, text, verdict = 'refused') => {
    expect(planted(checkPackages, path, text)).toHaveLength(verdict === 'allowed' ? 0 : 1);
  });
});

describe('a planted fault', () => {
  test.each([
    'async () => {}',
    'Date.now()',
    'new Date()',
    'Date()',
    'Math.random()',
    'process.pid',
    'setTimeout(() => {}, 1)',
    'crypto.randomUUID()',
    'performance.now()',
  ])('against purity is found: %s', (text) => {
    expect(planted(checkPurity, 'src/domain/a.ts', `export const a = ${text};`)).not.toEqual([]);
    expect(planted(checkPurity, 'src/use-cases/a.ts', `export const a = ${text};`)).toEqual([]);
  });

  test('a date made of a number is pure', () => {
    expect(planted(checkPurity, 'src/domain/a.ts', 'export const a = new Date(5).toISOString();')).toEqual([]);
  });

  test.each([
    ['src/service.ts', 1],
    ['adapters/nats/a.ts', 1],
    ['src/config.ts', 0],
    ['adapters/cli/a.ts', 0],
    ['adapters/wms-simulator/main.ts', 0],
    ['test/a.test.ts', 0],
  ])('reading the environment in %s: %i', (path, count) => {
    expect(planted(checkEnvironment, path, 'export const port = process.env.PORT;')).toHaveLength(count);
  });

  test.each([
    ['src/a.ts', 'export default 1;', 1],
    ['vitest.config.ts', 'export default 1;', 0],
    ['src/a.ts', `export * from './b.ts';\nexport { c } from './c.ts';`, 1],
    ['src/a.ts', `import { c } from './c.ts';\nexport { c };`, 1],
    ['src/a.ts', `export { c } from './c.ts';\nexport const d = 1;`, 0],
    ['src/a.ts', `import { c } from './c.ts';\nc();`, 0],
  ])('in the exports of %s is judged: %s', (path, text, count) => {
    expect(planted(checkModule, path, text)).toHaveLength(count);
  });

  test.each([
    [FILE_LINES_MAX, 0],
    [FILE_LINES_MAX + 1, 1],
  ])('a file of %i lines: %i', (lines, count) => {
    expect(planted(checkLength, 'src/a.ts', 'a();\n'.repeat(lines))).toHaveLength(count);
  });

  test.each([
    ['src/a.ts', 'function f()', FUNCTION_LINES_MAX, 0],
    ['src/a.ts', 'function f()', FUNCTION_LINES_MAX + 1, 1],
    ['src/a.ts', 'export const f = () =>', FUNCTION_LINES_MAX + 1, 1],
    ['test/a.test.ts', `test('a', () =>`, FUNCTION_LINES_MAX + 1, 1],
    ['test/a.test.ts', `describe('a', () =>`, FUNCTION_LINES_MAX + 1, 0],
  ])('in %s: `%s` of %i lines: %i', (path, head, lines, count) => {
    const text = `${head} {\n${'  a();\n'.repeat(lines - 2)}}${head.includes("('a'") ? ')' : ''}`;
    expect(planted(checkLength, path, text)).toHaveLength(count);
  });

  test.each([
    ['src/persistence/a.ts', 'select 1 from t for update', 1],
    ['src/persistence/a.ts', 'select 1 from t FOR NO KEY UPDATE', 1],
    ['src/persistence/a.ts', 'select pg_advisory_xact_lock(1)', 1],
    ['src/persistence/locks.ts', 'select 1 from t for update', 0],
    ['src/workers/a.ts', 'begin', 1],
    ['src/persistence/a.ts', 'select 1; commit', 1],
    ['src/persistence/a.ts', 'rollback', 1],
    ['src/persistence/unit.ts', 'begin', 0],
    ['src/persistence/a.ts', 'a decision that commits nothing', 0],
  ])('in the statements of %s: %s: %i', (path, statement, count) => {
    expect(planted(checkStatements, path, `export const a = \`${statement}\`;`)).toHaveLength(count);
    expect(planted(checkStatements, path, `export const a = '${statement}';`)).toHaveLength(count);
  });

  test.each([
    ['src/utils.ts', 1],
    ['src/domain/date-helpers.ts', 1],
    ['src/common/a.ts', 1],
    ['src/stock-manager.ts', 1],
    ['src/StockLevel.ts', 1],
    ['src/stock_level.ts', 1],
    ['src/stock-level.ts', 0],
    ['test/persistence/unit.pg.test.ts', 0],
  ])('in the name %s: %i', (path, count) => {
    expect(checkFileName(path)).toHaveLength(count);
  });

  test.each([
    ['scripts/a.ts', 1],
    ['notes.md', 1],
    ['.ci/run', 0],
    ['src/a.ts', 0],
  ])('in the root %s: %i', (path, count) => {
    expect(checkRoot(path)).toHaveLength(count);
  });

  test.each([
    [`see /wo${'rk/main'} for more`, 1],
    [`// TO${'DO'}: later`, 1],
    [`// FIX${'ME'}`, 1],
    [`iss${'ues show'} 2`, 1],
    [`as iss${'ue #2'} asks`, 1],
    [`https://registry.npm${'js'}.org/a`, 1],
    ['a network/workers/path of the product', 0],
    ['every issue of a token', 0],
  ])('in the words of a line is judged: %s', (line, count) => {
    expect(checkWords('a.md', `fine\n${line}\n`)).toHaveLength(count);
  });
});
