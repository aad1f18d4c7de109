import { type PoolRules, poolRulesOf, shareMinimum } from '../../domain/pool-rules.ts';
import type { StockLevel } from '../../domain/stock-level.ts';
import { POOL_COLUMNS, type PoolRow, toStockLevel } from '../rows.ts';
import { RULE_COLUMNS, type RuleRow, toRules } from '../rule-rows.ts';
import type { Statement } from '../statements.ts';
import { type AuditRun, byStatement, type Query } from './snapshot.ts';

/**
 * Computes again what the rules say of each pool, by the version they were in when it last changed: one that has come
 * into force since, and that the pool does not follow yet, is no drift. Pools of an item are shared the minimum of by
 * the newest of their versions, since whatever changes one of them looks at all.
 */
export async function auditStockRules(run: AuditRun): Promise<void> {
  const versions = new Map<number, PoolRules>();
  let after: string | null = '';
  while (after !== null) {
    const from: string = after;
    const { last, levels } = await byStatement(run, async (query) => {
      const [end] = await query<{ sku: string }>(lastSkuOfChunk(from, run.chunkSize));
      const upTo = end?.sku ?? null;
      const rows = await query<PoolRow & Record<string, unknown>>(ruledPools(from, upTo));
      const found = rows.map(toStockLevel);
      await readVersions(query, versions, new Set(found.map((level) => level.ruleVersion)));
      return { last: upTo, levels: found };
    });
    for (const pools of bySku(levels)) {
      for (const level of pools) auditPool(run, level, versions);
      auditMinimum(run, pools, versions);
    }
    after = last;
  }
}

function lastSkuOfChunk(from: string, chunkSize: number): Statement {
  return {
    name: 'audit-ruled-chunk',
    text: `select sku from stock_pool where sku > $1::text order by sku offset $2::int limit 1`,
    values: [from, chunkSize - 1],
  };
}

/** Pools that any rule ever said something of; where none did, all that is read is that there are none. */
function ruledPools(from: string, upTo: string | null): Statement {
  return {
    name: upTo === null ? 'audit-last-ruled-pools' : 'audit-ruled-pools',
    text: `select ${POOL_COLUMNS} from stock_pool p
      where p.sku > $1::text ${upTo === null ? '' : 'and p.sku <= $2::text'} and exists (
        select 1 from stock_pool o where o.sku = p.sku and (
          o.safety_stock <> 0 or o.exchange_minimum <> 0 or o.low_threshold <> 0 or o.rule_version <> 1))
      order by p.sku`,
    values: [from, ...(upTo === null ? [] : [upTo])],
  };
}

async function readVersions(query: Query, versions: Map<number, PoolRules>, wanted: ReadonlySet<number>) {
  const unknown = [...wanted].filter((version) => !versions.has(version));
  if (unknown.length === 0) return;
  const rows = await query<RuleRow & Record<string, unknown>>({
    name: 'audit-rules',
    text: `select ${RULE_COLUMNS} from rule_version v where v.version = any($1::bigint[])`,
    values: [unknown],
  });
  for (const row of rows) versions.set(row.version, poolRulesOf(toRules(row)));
}

function bySku(levels: readonly StockLevel[]): StockLevel[][] {
  const groups: StockLevel[][] = [];
  for (const level of levels) {
    const last = groups.at(-1);
    if (last?.[0]?.sku === level.sku) last.push(level);
    else groups.push([level]);
  }
  for (const group of groups) group.sort((a, b) => (a.warehouse < b.warehouse ? -1 : 1));
  return groups;
}

function auditPool(run: AuditRun, level: StockLevel, versions: ReadonlyMap<number, PoolRules>): void {
  const { sku, warehouse, ruleVersion } = level;
  const rules = versions.get(ruleVersion);
  if (rules === undefined) {
    run.drifts.add('SAFETY_STOCK', 1, 0, `rule version ${ruleVersion} is missing`, { sku, warehouse });
    return;
  }
  const by = `by version ${ruleVersion} of the rules`;
  const checks: [string, number, number][] = [
    ['safety_stock', rules.safetyStockOf(level), level.safetyStock],
    ['low_threshold', rules.stamp(level).lowThreshold, level.lowThreshold],
  ];
  for (const [counter, expected, actual] of checks) {
    if (expected !== actual) run.drifts.add('SAFETY_STOCK', expected, actual, `${counter} ${by}`, { sku, warehouse });
  }
}

function auditMinimum(run: AuditRun, levels: readonly StockLevel[], versions: ReadonlyMap<number, PoolRules>): void {
  const newest = levels.reduce((highest, level) => Math.max(highest, level.ruleVersion), 0);
  const minimum = versions.get(newest)?.minimumOf(levels[0]?.sku ?? '') ?? 0;
  const parts = shareMinimum(levels, minimum);
  for (const [at, { sku, warehouse, exchangeMinimum }] of levels.entries()) {
    const expected = parts[at] ?? 0;
    if (expected === exchangeMinimum) continue;
    const detail = `exchange_minimum by version ${newest} of the rules`;
    run.drifts.add('EXCHANGE_MINIMUM', expected, exchangeMinimum, detail, { sku, warehouse });
  }
}
