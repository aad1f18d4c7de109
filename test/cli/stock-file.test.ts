import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toCsv } from '../../adapters/cli/commands/stock-export.ts';
import { escapeFormula, unescapeFormula } from '../../adapters/cli/formula.ts';
import { checkStockFile, PROBLEMS_TOLD_MAX } from '../../adapters/cli/stock-file/check-stock-file.ts';
import { rowBatches } from '../../adapters/cli/stock-file/row-batches.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'earmark-stock-file-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(text: string | Buffer): string {
  const path = join(directory, 'stock.csv');
  writeFileSync(path, text);
  return path;
}

async function problemsOf(text: string | Buffer): Promise<readonly string[]> {
  const result = await checkStockFile(fileOf(text));
  return 'problems' in result ? result.problems : [];
}

async function rowsOf(text: string) {
  const rows = [];
  for await (const batch of rowBatches(fileOf(text), () => undefined)) rows.push(...batch);
  return rows;
}

const HEADER = 'sku,name,warehouse,on_hand\n';

test('accepts a file with a byte order mark, CRLF, empty lines, quotes and columns in any order', async () => {
  const text = '\uFEFFon_hand,warehouse,sku,name\r\n5,BERLIN-1,SHOE-1,"Shoe, ""red"""\r\n\r\n0,VENLO-1,SHOE-1,\r\n';
  expect(await problemsOf(text)).toEqual([]);
  expect(await rowsOf(text)).toMatchObject([
    { sku: 'SHOE-1', warehouse: 'BERLIN-1', onHand: 5, itemFacts: { name: 'Shoe, "red"' } },
    { sku: 'SHOE-1', warehouse: 'VENLO-1', onHand: 0, itemFacts: {} },
  ]);
});

test.each([
  ['line 1: the file is empty', ''],
  ['line 1: the file has no rows', HEADER],
  ['line 1: the column "on_hand" is missing', 'sku,warehouse\nA,B\n'],
  ['line 1: the column "sku" stands twice', 'sku,sku,warehouse,on_hand\nA,A,B,1\n'],
  ['line 3: A in W stands in line 2 already', `${HEADER}A,a,W,1\nA,a,W,2\n`],
  ['line 3: name or product of A differs from an earlier line', `${HEADER}A,a,W,1\nA,b,V,2\n`],
  ['line 2: on_hand "one" is no whole number from 0 to 1000000', `${HEADER}A,a,W,one\n`],
  ['line 2: on_hand "-1" is no whole number from 0 to 1000000', `${HEADER}A,a,W,-1\n`],
  ['line 2: on_hand "1.5" is no whole number from 0 to 1000000', `${HEADER}A,a,W,1.5\n`],
  ['line 2: on_hand is empty', `${HEADER}A,a,W,\n`],
  ['line 2: sku is empty', `${HEADER},a,W,1\n`],
  ['line 2: there are more or fewer cells than columns', `${HEADER}A,a,W\n`],
  ['line 2: a quotation mark stands where none may stand, or is never closed', `${HEADER}A,"a,W,1\n`],
  ['line 2: sku holds a character that cannot be printed', `${HEADER}A\u0000,a,W,1\n`],
  ['line 2: sku is longer than 128 bytes', `${HEADER}${'A'.repeat(129)},a,W,1\n`],
  ['line 2: the line is longer than 65536 bytes', `${HEADER}A,${'a'.repeat(70_000)},W,1\n`],
  ['line 2: country "Germany" is not two capital letters such as DE', 'sku,warehouse,on_hand,country\nA,W,1,Germany\n'],
  [
    'line 2: time_zone "Mars/Base" is no time zone such as Europe/Berlin',
    'sku,warehouse,on_hand,time_zone\nA,W,1,Mars/Base\n',
  ],
  ['line 2: enabled "yes" is neither true nor false', 'sku,warehouse,on_hand,enabled\nA,W,1,yes\n'],
  [
    'line 3: what is said of warehouse W differs from an earlier line',
    'sku,warehouse,on_hand,priority\nA,W,1,1\nB,W,1,2\n',
  ],
])('names the line and what is wrong: %s', async (problem, text) => {
  expect((await problemsOf(text))[0]).toBe(problem);
});

test('names an unknown column and those there are', async () => {
  expect((await problemsOf('sku,warehouse,on_hand,colour\nA,W,1,red\n'))[0]).toMatch(/"colour".*sku, name/);
});

test('tells a bounded number of problems and counts the rest', async () => {
  const result = await checkStockFile(fileOf(`${HEADER}${'A,a,W,x\n'.repeat(100)}`));
  if (!('problems' in result)) throw new Error('it was accepted');
  expect(result.problems).toHaveLength(PROBLEMS_TOLD_MAX);
  expect(result.count).toBe(100);
});

test('sends batches of at most 500 rows that leave none out', async () => {
  const lines = Array.from({ length: 1_200 }, (_, at) => `SKU-${at},,W,${at}`).join('\n');
  const sizes: number[] = [];
  for await (const batch of rowBatches(fileOf(`${HEADER}${lines}\n`), () => undefined)) sizes.push(batch.length);
  expect(sizes).toEqual([500, 500, 200]);
});

test('reports a file that cannot be read as an error of the file system', async () => {
  await expect(checkStockFile(join(directory, 'missing.csv'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(checkStockFile(directory)).rejects.toMatchObject({ code: 'EISDIR' });
});

test('no exported cell begins as a formula, and every cell comes back as it was', () => {
  const cell = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom('=', '+', '-', '@', "'=", "''-", '\t'), fc.string()).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(cell, (text) => {
      expect(escapeFormula(text)).not.toMatch(/^[=+\-@\t\r]/);
      expect(unescapeFormula(escapeFormula(text))).toBe(text);
      const [, read] = parse(`a\n${toCsv([{ sku: text }])}`, { relax_column_count: true }) as string[][];
      expect(unescapeFormula(read?.[0] ?? '')).toBe(text);
    }),
  );
});
