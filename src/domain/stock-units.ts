import { assertInvariant } from './refusal.ts';
import { poolKey, type StockDelta } from './stock-level.ts';

/** One serial unit of an item and the pool it belongs to. Once it has left it is still known, as not on hand. */
export interface StockUnit {
  readonly sku: string;
  readonly unitId: string;
  readonly warehouse: string;
  readonly onHand: boolean;
  /** Promised to one reservation; also where it was not found since. */
  readonly allocated: boolean;
  /** Damaged or in quarantine. */
  readonly unavailable: boolean;
}

/** What one unit of work has read of serial units, under the locks of their pools. */
export interface UnitRows {
  /** The items of which units are read. */
  readonly skus: ReadonlySet<string>;
  /** Those that are held, named or among the first free ones of their pool. */
  readonly units: readonly StockUnit[];
  /** Items of which not all free units were read that the unit of work may ask for. */
  readonly truncated: ReadonlySet<string>;
}

export const NO_UNITS: UnitRows = { skus: new Set(), units: [], truncated: new Set() };

/** Units of one item as a command names or counts them. */
export interface NamedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitIds?: readonly string[];
}

/** A change of units in one pool, by name. */
export interface UnitChange {
  readonly sku: string;
  readonly warehouse: string;
  readonly unitIds: readonly string[];
  /** In units of the pool: each of the named units takes its share, all of them the same. */
  readonly delta: StockDelta;
}

export function isFree(unit: StockUnit): boolean {
  return unit.onHand && !unit.allocated && !unit.unavailable;
}

/** Promised and not to be had: it left the stock, or is unavailable. */
export function isLost(unit: StockUnit): boolean {
  return unit.allocated && (!unit.onHand || unit.unavailable);
}

function unitKey(sku: string, unitId: string): string {
  return `${sku}\u0000${unitId}`;
}

/** Serial units as one unit of work reads and changes them. */
export class StockUnits {
  readonly #rows: UnitRows;
  readonly #units = new Map<string, StockUnit>();
  readonly #pools = new Map<string, Map<string, StockUnit>>();
  readonly #lost = new Map<string, number>();
  readonly #changed = new Set<string>();

  constructor(rows: UnitRows) {
    this.#rows = rows;
    for (const unit of rows.units) this.#put(unit);
  }

  /** Whether the units of an item were read. */
  isRead(sku: string): boolean {
    return this.#rows.skus.has(sku);
  }

  /** Whether there may be free units that were not read. */
  isTruncated(sku: string): boolean {
    return this.#rows.truncated.has(sku);
  }

  get(sku: string, unitId: string): StockUnit | null {
    return this.#units.get(unitKey(sku, unitId)) ?? null;
  }

  /** The units that were read of a pool, in the order in which they are chosen. */
  ofPool(sku: string, warehouse: string): StockUnit[] {
    const units = this.#pools.get(poolKey(sku, warehouse))?.values() ?? [];
    return [...units].sort((a, b) => (a.unitId < b.unitId ? -1 : 1));
  }

  /** How many units of a pool are lost, of those that were read. */
  lostOf(sku: string, warehouse: string): number {
    return this.#lost.get(poolKey(sku, warehouse)) ?? 0;
  }

  /**
   * Changes units with their pool. One that a picker misses may be gone from the pool already.
   * @returns by how many units on hand has changed
   */
  apply({ sku, warehouse, unitIds, delta }: UnitChange, isMissing = false): number {
    let onHand = 0;
    for (const unitId of unitIds) {
      const before = this.get(sku, unitId);
      const unit = { onHand: false, allocated: false, unavailable: false, ...before, sku, unitId, warehouse };
      const isGone = isMissing && !unit.onHand;
      const after: StockUnit = {
        ...unit,
        onHand: isGone ? false : flipped(unit.onHand, delta.onHand, unitId),
        allocated: flipped(unit.allocated, delta.reserved, unitId),
        unavailable: flipped(unit.unavailable, delta.unavailable, unitId),
      };
      onHand += Number(after.onHand) - Number(unit.onHand);
      this.#put(after);
      this.#changed.add(unitKey(sku, unitId));
    }
    return onHand;
  }

  #put(unit: StockUnit): void {
    const key = unitKey(unit.sku, unit.unitId);
    const before = this.#units.get(key);
    if (before !== undefined) {
      const pool = poolKey(before.sku, before.warehouse);
      this.#pools.get(pool)?.delete(unit.unitId);
      if (isLost(before)) this.#lost.set(pool, (this.#lost.get(pool) ?? 0) - 1);
    }
    const pool = poolKey(unit.sku, unit.warehouse);
    const units = this.#pools.get(pool) ?? new Map<string, StockUnit>();
    this.#pools.set(pool, units.set(unit.unitId, unit));
    this.#units.set(key, unit);
    if (isLost(unit)) this.#lost.set(pool, (this.#lost.get(pool) ?? 0) + 1);
  }

  /** Whether nothing was read, so that no allocation of this unit of work can name units. */
  isUntouched(): boolean {
    return this.#rows.skus.size === 0;
  }

  changed(): StockUnit[] {
    return [...this.#changed].flatMap((key) => this.#units.get(key) ?? []);
  }
}

/** A unit is once what it can be: there, promised, unavailable. */
function flipped(is: boolean, delta = 0, unitId = ''): boolean {
  if (delta === 0) return is;
  assertInvariant(is === delta < 0, `unit ${unitId} is counted twice or not at all`);
  return delta > 0;
}
