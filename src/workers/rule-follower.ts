import { FIRST_RULES, type Rules } from '../domain/rules.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { StockReader, UnitOfWork } from '../ports.ts';
import { refreshPools, skusBehind } from '../use-cases/refresh-pools.ts';
import { type Loop, startLoop } from './loop.ts';

/** How often the version that holds is looked at, in milliseconds: one that was to hold later is found within this time. */
const LOOK_MS = 1_000;

/** Pause before pools that could not be changed are tried again, in milliseconds. */
const UNDECIDED_PAUSE_MS = 200;

/**
 * How long after the first walk the second comes, in milliseconds: units that still decided by the version before have
 * ended by then, and have left what they changed as that version had it.
 */
const SETTLE_MS = 15_000;

export interface RuleFollowerDeps {
  readonly rules: Pick<RulesReader, 'current'>;
  readonly stock: Pick<StockReader, 'read' | 'scan'>;
  readonly unitOfWork: UnitOfWork;
  readonly monotonicMs: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** How far the pools are known to follow a version. */
interface Followed {
  readonly version: number;
  readonly walkedAt: number;
  readonly isSettled: boolean;
}

/**
 * Brings pools that nobody touches in line with the rules, so that their numbers and versions tell of them: whenever
 * another version holds than the first, which says nothing of them, all pools are walked through in pages, and those that differ are changed in bounded commands.
 */
export function startRuleFollower(deps: RuleFollowerDeps): Loop {
  let followed = null as Followed | null;
  return startLoop(async (signal) => {
    const rules = await deps.rules.current();
    if (rules.version === FIRST_RULES.version) return LOOK_MS;
    const isFirst = followed?.version !== rules.version;
    if (followed !== null && !isFirst) {
      if (followed.isSettled || deps.monotonicMs() - followed.walkedAt < SETTLE_MS) return LOOK_MS;
    }
    if (!(await walk(deps, rules, signal))) return UNDECIDED_PAUSE_MS;
    followed = { version: rules.version, walkedAt: deps.monotonicMs(), isSettled: !isFirst };
    return LOOK_MS;
  }, deps);
}

/** One walk through all pools; answers whether every one that differed could be changed. */
async function walk({ stock, unitOfWork }: RuleFollowerDeps, rules: Rules, signal: AbortSignal): Promise<boolean> {
  let isDone = true;
  for await (const page of stock.scan([], [])) {
    if (signal.aborted) return false;
    const behind = await skusBehind(
      stock,
      page.map((view) => view.level),
      rules,
    );
    const isPageDone = await refreshPools({ unitOfWork }, behind, { lane: 'background', signal });
    isDone &&= isPageDone;
  }
  return isDone;
}
