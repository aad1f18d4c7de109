import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/persistence/database.ts';
import { dumpSchema, SCHEMA_FILE } from '../support/dump-schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase('schema');
});

afterAll(() => database.drop());

test('a migrated database is what schema.sql shows', async () => {
  expect((await dumpSchema(database.url)).split('\n')).toEqual(readFileSync(SCHEMA_FILE, 'utf8').split('\n'));
});

test('entities have the columns of their tables, with types that hold the same, and no others', async () => {
  const { orm, pool, close } = await openDatabase(database.url);
  const entities = [...orm.getMetadata().getAll().values()];
  const told = entities.map(({ tableName, props }) => {
    const columns = props.map((prop) => ({
      name: prop.fieldNames.join(),
      type: (prop.columnTypes ?? []).join(),
      nullable: prop.nullable === true,
      key: prop.primary === true,
    }));
    return { tableName, columns: columns.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  });
  const stored = await Promise.all(
    entities.map(async ({ tableName }) => {
      const columns = await pool.query(
        `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
           coalesce(a.attnum = any (i.indkey), false) as key
         from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
         where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attname collate "C"`,
        [tableName],
      );
      return { tableName, columns: columns.rows.map((row) => ({ ...row, type: shortType(row.type) })) };
    }),
  );
  await close();
  expect(told).toEqual(stored);
  expect(entities.map(({ tableName }) => tableName).sort()).toEqual(['item', 'rule_version', 'warehouse']);
});

/** PostgreSQL's long names as an entity writes them. */
function shortType(type: string): string {
  return type.replace(/^timestamp\((\d)\) with time zone$/, 'timestamptz($1)').replace(/^integer$/, 'int');
}
