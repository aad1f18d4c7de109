import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { migrate } from '../../src/persistence/migrate.ts';

/** The committed picture of the schema. */
export const SCHEMA_FILE = new URL('../schema.sql', import.meta.url);

const HEADER = `-- The schema of a migrated database, as PostgreSQL tells it. Compared in test;
-- renewed by: node test/support/dump-schema.ts --write
`;

const COLUMNS = `
  select c.relname as owner, format('  %I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attidentity = 'a' then ' generated always as identity' else '' end,
      coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
      case when a.attnotnull then ' not null' else '' end) as line
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where n.nspname = 'public' and c.relkind = 'r' order by c.relname, a.attnum`;

const CONSTRAINTS = `
  select c.relname as owner, format('  constraint %I %s', o.conname, pg_get_constraintdef(o.oid)) as line
  from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and o.contype <> 'n' order by c.relname, o.contype, o.conname`;

const OPTIONS = `
  select c.relname as owner, array_to_string(c.reloptions, ', ') as line
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and c.relkind = 'r' and c.reloptions is not null`;

const INDEXES = `
  select i.tablename as owner, i.indexdef || ';' as line from pg_indexes i
  where i.schemaname = 'public' and not exists (select 1 from pg_constraint o where o.conname = i.indexname)
  order by i.tablename, i.indexname`;

const TRIGGERS = `
  select c.relname as owner, pg_get_triggerdef(t.oid) || ';' as line
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and not t.tgisinternal order by c.relname, t.tgname`;

const FUNCTIONS = `
  select p.proname as owner, pg_get_functiondef(p.oid) || ';' as line
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public' order by p.proname`;

type Line = { owner: string; line: string };

/** Prints tables, columns, constraints, indexes, triggers and functions of a database, always in the same order. */
export async function dumpSchema(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const read = async (text: string) => (await client.query<Line>(text)).rows;
    const columns = await read(COLUMNS);
    const inside = [...columns, ...(await read(CONSTRAINTS))];
    const options = await read(OPTIONS);
    const after = [...(await read(INDEXES)), ...(await read(TRIGGERS))];
    const functions = (await read(FUNCTIONS)).map(({ line }) => line.trimEnd());
    const tables = [...new Set(columns.map(({ owner }) => owner))].map((table) => {
      const of = (lines: readonly Line[]) => lines.filter(({ owner }) => owner === table).map(({ line }) => line);
      const storage = of(options).map((line) => ` with (${line})`);
      return [`create table ${table} (\n${of(inside).join(',\n')}\n)${storage.join('')};`, ...of(after)].join('\n');
    });
    return `${[HEADER.trimEnd(), ...tables, ...functions].join('\n\n').replaceAll(/[ \t]+$/gm, '')}\n`;
  } finally {
    await client.end();
  }
}

async function writeSchema(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-schema-'));
  const server = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: 0, durable: false });
  try {
    await migrate(server.url);
    const schema = await dumpSchema(server.url);
    if (process.argv.includes('--write')) writeFileSync(SCHEMA_FILE, schema);
    return readFileSync(SCHEMA_FILE, 'utf8') === schema;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const same = await writeSchema();
  process.stdout.write(same ? 'schema.sql is up to date\n' : 'schema.sql differs: run with --write\n');
  process.exitCode = same ? 0 : 1;
}
