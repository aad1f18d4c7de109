import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arrayLiteral } from '../../src/persistence/array-literal.ts';
import { type Database, openDatabase } from '../../src/persistence/database.ts';
import { joinJson, jsonArray, pipeline } from '../../src/persistence/statements.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase('parameters');
  database = await openDatabase(testDatabase.url);
});

afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** What PostgreSQL makes of one parameter. */
async function read(expression: string, value: unknown): Promise<unknown> {
  const client = await database.unitPool.connect();
  try {
    const text = `select ${expression} as back`;
    const [result] = await pipeline(client, 'test', [{ name: `test ${expression}`, text, values: [value] }]);
    return result?.rows[0]?.back;
  } finally {
    client.release();
  }
}

/** PostgreSQL keeps no U+0000 and no half of a surrogate pair; the rules of the contract let neither in. */
const text = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\u0000') && each.isWellFormed());

test('texts arrive as they were, with quotes, backslashes, braces, commas, the word NULL and nulls among them', async () => {
  const awkward = fc.constantFrom(
    '',
    'NULL',
    'null',
    '"',
    '\\',
    '\\"',
    '{',
    '}',
    ',',
    '{a,"b"}',
    '\\x00',
    ' a ',
    'a\nb\tc',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.oneof(text, awkward))), async (values) => {
      expect(await read('$1::text[]', values)).toEqual(values);
    }),
    { numRuns: 200 },
  );
});

test('numbers, truths and bytes arrive as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.integer())),
      fc.array(fc.double({ noNaN: true })),
      fc.array(fc.boolean()),
      fc.array(fc.uint8Array()),
      async (integers, doubles, truths, bytes) => {
        expect(await read('$1::int[]', integers)).toEqual(integers);
        expect(await read('$1::float8[]', doubles)).toEqual(doubles.map((each) => each + 0));
        expect(await read('$1::bool[]', truths)).toEqual(truths);
        expect(await read('$1::bytea[]', bytes)).toEqual(bytes.map((each) => Buffer.from(each)));
      },
    ),
    { numRuns: 100 },
  );
});

test('JSON texts arrive as they were, whatever stands between them and in them', async () => {
  const json = fc.jsonValue().filter((each) => !JSON.stringify(each).includes('\\u0000'));
  const between = fc.constant({ reason: 'a\u001eb' });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(json, between), { minLength: 1 }), async (values) => {
      const texts = values.map((value) => JSON.stringify(value));
      expect(await read(`${jsonArray('$1')}::text[]`, joinJson(texts))).toEqual(texts);
    }),
    { numRuns: 200 },
  );
});

test('what no column holds is refused instead of being stored as something else', () => {
  for (const value of [new Date(0), { a: 1 }, ['nested'], Symbol('s')]) {
    expect(() => arrayLiteral([value])).toThrow(TypeError);
  }
});

test('fewer rows than expected end the transaction', async () => {
  const asserted = (actual: number) => read(`assert_rows(${actual}, $1::bigint, 'stock_pool')`, 2);
  expect(await asserted(2)).toBe('');
  await expect(asserted(1)).rejects.toMatchObject({ code: 'P0004', message: 'expected 2 rows of stock_pool, found 1' });
});
