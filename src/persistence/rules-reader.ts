import type { Pool } from 'pg';
import type { Rules } from '../domain/rules.ts';
import { InvalidPageToken } from '../domain/subscription.ts';
import type { RulesReader, RuleVersion } from '../ports/rules-reader.ts';
import type { Page, PageRequest } from '../ports.ts';
import { makePageToken, readPageToken } from './page-token.ts';
import { RULE_COLUMNS, type RuleRow, toRules } from './rule-rows.ts';
import { NOW } from './statements.ts';

/** How long the rules in force may be taken for such by those who look again soon, in milliseconds. */
const RECENT_MS = 1_000;

/** All lists of versions are one list. */
const LIST = 'rule-versions';

export function createRulesReader(pool: Pool, monotonicMs: () => number): RulesReader {
  let latest: { readonly rules: Rules; readonly readAt: number } | null = null;
  const current = shared(async () => {
    const readAt = monotonicMs();
    const rules = await readCurrent(pool, latest?.rules ?? null);
    latest = { rules, readAt };
    return rules;
  });
  return {
    current,
    recent: () =>
      latest !== null && monotonicMs() - latest.readAt < RECENT_MS ? Promise.resolve(latest.rules) : current(),
    version: (version) => readVersion(pool, version),
    list: (page) => list(pool, page),
  };
}

/**
 * Reads once for all who ask while a read is under way: none of them may get what that read has seen, which may be
 * older than their question, so they share the next.
 */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | null = null;
  let next: Promise<T> | null = null;
  const start = (): Promise<T> => {
    next = null;
    const result = read();
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    running = done;
    void done.then(() => {
      if (running === done) running = null;
    });
    return result;
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(start);
    return next;
  };
}

/** Reads only the number where the version is the one known already. */
async function readCurrent(pool: Pool, known: Rules | null): Promise<Rules> {
  const result = await pool.query<{ version: number }>({
    name: 'current-rule-version',
    text: `select max(version)::float8 as version from rule_version where effective_time <= ${NOW}`,
  });
  const version = result.rows[0]?.version;
  if (known !== null && known.version === version) return known;
  const rules = version == null ? null : await readVersion(pool, BigInt(version));
  if (rules === null) throw new Error('the database has not been migrated');
  return rules;
}

async function readVersion(pool: Pool, version: bigint): Promise<Rules | null> {
  const result = await pool.query<RuleRow>({
    name: 'rule-version',
    text: `select ${RULE_COLUMNS} from rule_version v where v.version = $1::bigint`,
    values: [version],
  });
  const [row] = result.rows;
  return row === undefined ? null : toRules(row);
}

/** One version more than the page shows, for what the last one differs from. */
async function list(pool: Pool, page: PageRequest): Promise<Page<RuleVersion>> {
  const before = readPageToken(LIST, page.token, 1)?.[0] ?? null;
  if (before !== null && !/^\d{1,15}$/.test(before)) throw new InvalidPageToken();
  const result = await pool.query<RuleRow>({
    name: 'list-rule-versions',
    text: `select ${RULE_COLUMNS} from rule_version v where $1::bigint is null or v.version < $1::bigint
      order by v.version desc limit $2::int`,
    values: [before, page.size + 1],
  });
  const versions = result.rows.map((row) => ({
    rules: toRules(row),
    author: row.actor,
    createdAt: row.created_at,
  }));
  const rows = versions
    .slice(0, page.size)
    .map((version, at) => ({ ...version, previous: versions[at + 1]?.rules ?? null }));
  const last = rows.at(-1);
  const more = versions.length > page.size && last !== undefined;
  return { rows, nextPageToken: more ? makePageToken(LIST, [String(last.rules.version)]) : '' };
}
