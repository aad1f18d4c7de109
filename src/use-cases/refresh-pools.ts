import { CLOCK_CALLER } from '../domain/caller.ts';
import { LockedPools } from '../domain/locked-pools.ts';
import { poolRulesOf } from '../domain/pool-rules.ts';
import type { Rules } from '../domain/rules.ts';
import type { StockLevel } from '../domain/stock-level.ts';
import { type Command, NO_NEEDS, type StockReader, type SubmitOptions, type UnitOfWork } from '../ports.ts';

/** Items whose pools one command brings up to date, which bounds its locks. */
export const REFRESH_SKUS_MAX = 50;

/** Items of which some pool does not yet say what the rules say of it. */
export async function skusBehind(
  stock: Pick<StockReader, 'read'>,
  levels: readonly StockLevel[],
  rules: Rules,
): Promise<string[]> {
  const old = levels.filter((level) => level.ruleVersion !== rules.version);
  if (old.length === 0) return [];
  const poolRules = poolRulesOf(rules);
  // A minimum is shared out over all pools of its item, also over those that nobody asked for.
  const isShared = (level: StockLevel) => level.exchangeMinimum > 0 || poolRules.minimumOf(level.sku) > 0;
  const shared = new Set(old.filter(isShared).map((level) => level.sku));
  const whole = shared.size === 0 ? [] : await stock.read([...shared], []);
  const single = old.filter((level) => !shared.has(level.sku));
  const changed = new LockedPools([...single, ...whole.map((view) => view.level)], rules).changed(0);
  return [...new Set(changed.map(({ after }) => after.sku))];
}

/**
 * Lets the pools of items follow the rules that hold now. Whatever locks a pool does so first, hence there is nothing
 * left to decide.
 * @returns whether all of them do now; else the rest may be asked for again
 */
export async function refreshPools(
  deps: { readonly unitOfWork: UnitOfWork },
  skus: readonly string[],
  options: SubmitOptions,
): Promise<boolean> {
  let isDone = true;
  for (let at = 0; at < skus.length; at += REFRESH_SKUS_MAX) {
    const [outcome] = await deps.unitOfWork.submit([refreshCommand(skus.slice(at, at + REFRESH_SKUS_MAX))], options);
    isDone &&= outcome?.ok === true;
  }
  return isDone;
}

function refreshCommand(skus: readonly string[]): Command {
  return {
    name: 'refresh-pools',
    caller: CLOCK_CALLER,
    claim: null,
    needs: { ...NO_NEEDS, skus },
    lineCount: skus.length,
    trace: null,
    decide: () => ({ answer: { kind: 'swept', count: skus.length } }),
  };
}
