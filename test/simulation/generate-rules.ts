import type { RulesCommand, SimRules } from './commands.ts';
import { type Model, SKUS, WAREHOUSES } from './model/state.ts';
import type { SeededRandom } from './random.ts';

const LADDERS: readonly SimRules['ladder'][] = [
  ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST'],
  ['OTHER_WAREHOUSE', 'WAITLIST', 'EQUIVALENT_SKU', 'SUGGEST_REFUND'],
  ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'SUGGEST_REFUND'],
  ['OTHER_WAREHOUSE', 'WAITLIST'],
];

/** Rules about pools, mostly from the newest version and at once. */
export function anyRules(random: SeededRandom, requestId: string, model: Model): RulesCommand {
  return {
    kind: 'rules',
    requestId,
    from: Math.max(0, model.rules.length - (random.chance(0.1) ? 1 : 0)),
    effectiveAt: random.chance(0.2) ? model.now + random.int(-60_000, 15 * 60_000) : null,
    rules: {
      safetyStocks: anySafetyStocks(random),
      exchangePools: anyExchangePools(random),
      sourcing: random.pick(['PRIORITY', 'NEAREST', 'MOST_AVAILABLE', 'FEWEST_SPLITS']),
      splitAllowed: random.chance(0.7),
      shortageCures: random.pick<SimRules['shortageCures']>([
        ['RESOURCE', 'WAIT', 'SUGGEST_REFUND'],
        ['RESOURCE', 'SUGGEST_REFUND'],
        ['WAIT', 'RESOURCE', 'SUGGEST_REFUND'],
        ['SUGGEST_REFUND', 'RESOURCE'],
        ['WAIT'],
      ]),
      ladder: random.pick(LADDERS),
      lowThreshold: random.chance(0.5) ? random.int(0, 5) : 0,
      pickOn: random.pick([null, 'RETURN_RECEIVED', 'RETURN_RECEIVED', 'APPROVED']),
    },
  };
}

function anySafetyStocks(random: SeededRandom): SimRules['safetyStocks'] {
  const entries = Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, () => ({
    sku: random.pick(['', ...SKUS]),
    warehouse: random.pick(['', ...WAREHOUSES]),
    units: random.int(0, 2),
    percent: random.pick([0, 0, 10, 34, 100]),
  }));
  return distinct(entries, ({ sku, warehouse }) => `${sku}@${warehouse}`);
}

function anyExchangePools(random: SeededRandom): SimRules['exchangePools'] {
  const entries = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => {
    const minimum = random.int(0, 8);
    return { sku: random.pick(['', ...SKUS]), minimum, maximum: random.chance(0.6) ? 0 : minimum + random.int(0, 3) };
  });
  return distinct(entries, ({ sku }) => sku);
}

function distinct<T>(entries: readonly T[], keyOf: (entry: T) => string): T[] {
  return [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
}
