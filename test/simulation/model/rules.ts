import type { RulesCommand, SimRules } from '../commands.ts';
import { type Model, type ModelOutcome, type ModelPool, poolOf, reservedIn, WAREHOUSES } from './state.ts';

const NOTHING: SimRules = {
  safetyStocks: [],
  exchangePools: [],
  lowThreshold: 0,
  sourcing: 'PRIORITY',
  splitAllowed: true,
  pickOn: null,
  shortageCures: ['RESOURCE', 'WAIT', 'SUGGEST_REFUND'],
  ladder: ['OTHER_WAREHOUSE', 'EQUIVALENT_SKU', 'WAITLIST'],
};

export function applyRules(model: Model, { from, effectiveAt, rules }: RulesCommand): ModelOutcome {
  if (from !== model.rules.length) return { refused: 'ETAG_MISMATCH' };
  model.rules.push({ effectiveAt: Math.max(model.now, effectiveAt ?? 0), rules });
  return { rules: 'put', replayed: false };
}

/** The newest version whose instant has come. */
export function inForce(model: Model): SimRules {
  return model.rules.findLast(({ effectiveAt }) => effectiveAt <= model.now)?.rules ?? NOTHING;
}

/** By the entry that names more of the pool; one for the item is worth more than one for the warehouse. */
export function safetyStockOf(model: Model, { sku, warehouse, onHand }: ModelPool): number {
  const fitting = inForce(model).safetyStocks.filter(
    (one) => (one.sku === '' || one.sku === sku) && (one.warehouse === '' || one.warehouse === warehouse),
  );
  const exactness = (one: (typeof fitting)[number]) => (one.sku === '' ? 0 : 2) + (one.warehouse === '' ? 0 : 1);
  const [chosen] = fitting.sort((a, b) => exactness(b) - exactness(a));
  if (chosen === undefined) return 0;
  let share = 0;
  while (share * 100 < onHand * chosen.percent) share += 1;
  return Math.max(chosen.units, share);
}

function exchangePoolOf(model: Model, sku: string) {
  const { exchangePools } = inForce(model);
  return exchangePools.find((one) => one.sku === sku) ?? exchangePools.find((one) => one.sku === '');
}

function freeIn(model: Model, sku: string, warehouse: string): number {
  const pool = poolOf(model, sku, warehouse);
  const taken = pool.unavailable + pool.committed + reservedIn(model, sku, warehouse) + safetyStockOf(model, pool);
  return Math.max(0, pool.onHand - taken);
}

function heldByExchanges(model: Model, sku: string): number {
  return WAREHOUSES.reduce((sum, warehouse) => sum + reservedIn(model, sku, warehouse, (one) => !one.isSale), 0);
}

/** What is free; a sale leaves what exchanges lack, in the warehouses by their codes until it is found. */
export function availableIn(model: Model, sku: string, warehouse: string, forSale: boolean): number {
  const free = freeIn(model, sku, warehouse);
  if (!forSale) return free;
  let lacking = Math.max(0, (exchangePoolOf(model, sku)?.minimum ?? 0) - heldByExchanges(model, sku));
  for (const code of [...WAREHOUSES].sort()) {
    const kept = Math.min(lacking, freeIn(model, sku, code));
    if (code === warehouse) return free - kept;
    lacking -= kept;
  }
  return free;
}

/**
 * Whether exchanges may hold so many units of an item more.
 * @param back units of it that the asker gives back
 */
export function mayHold(model: Model, sku: string, asked: number, back: number): boolean {
  const maximum = exchangePoolOf(model, sku)?.maximum ?? 0;
  return maximum === 0 || asked <= back || heldByExchanges(model, sku) - back + asked <= maximum;
}

/**
 * Units of an item that exchanges may hold beside what they hold, or sales without limit.
 * @param back units of it that the asker gives back
 */
export function spaceFor(model: Model, sku: string, isSale: boolean, back: number): number {
  const maximum = isSale ? 0 : (exchangePoolOf(model, sku)?.maximum ?? 0);
  return maximum === 0 ? Number.POSITIVE_INFINITY : Math.max(back, maximum - heldByExchanges(model, sku) + back);
}

export function flagOf(model: Model, sku: string, warehouse: string): string {
  const available = availableIn(model, sku, warehouse, false);
  if (available === 0) return 'OUT';
  return available <= inForce(model).lowThreshold ? 'LOW' : 'IN_STOCK';
}
