import { MissingRows } from './missing-rows.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { LineDemand } from './sourcing.ts';
import { isFree, type StockUnit, type StockUnits } from './stock-units.ts';

/** A unit that the asker holds and gives back in the same change. */
export interface OwnUnit {
  readonly sku: string;
  readonly unitId: string;
}

/** The serial units that one decision may take: those that are free, and its own, but for what it has taken already. */
export class UnitOffer {
  readonly #units: StockUnits;
  readonly #given: readonly OwnUnit[];
  readonly #own: ReadonlySet<string>;
  readonly #taken = new Set<string>();

  constructor(units: StockUnits, own: readonly OwnUnit[] = []) {
    this.#units = units;
    this.#given = own;
    this.#own = new Set(own.map(({ sku, unitId }) => `${sku}\u0000${unitId}`));
  }

  /** The same offer with nothing taken of it. */
  anew(): UnitOffer {
    return new UnitOffer(this.#units, this.#given);
  }

  /** Whether units of the item are told apart. */
  isOf(sku: string): boolean {
    return this.#units.isRead(sku);
  }

  /** How many units a pool has for a line. @throws MissingRows where more would have to be read to know */
  countFor(demand: LineDemand, warehouse: string): number {
    return this.#offered(demand, warehouse).length;
  }

  /** Takes the first units a pool has for a line, or the named ones. */
  take(demand: LineDemand, warehouse: string, quantity: number): string[] {
    const taken = this.#offered(demand, warehouse).slice(0, quantity);
    for (const { sku, unitId } of taken) this.#taken.add(`${sku}\u0000${unitId}`);
    return taken.map((unit) => unit.unitId);
  }

  /** Why a named unit cannot be had, where somebody else holds it. */
  heldByOther({ sku, unitIds = [], warehouse }: LineDemand): Refusal | null {
    for (const unitId of unitIds) {
      const unit = this.#units.get(sku, unitId);
      const isElsewhere = warehouse !== '' && unit?.warehouse !== warehouse;
      if (unit === null || isElsewhere || !unit.allocated || this.#isOwn(unit)) continue;
      return refuse('UNIT_HELD', `unit ${unitId} is held by another exchange`, {
        unit_id: unitId,
        sku,
        warehouse: unit.warehouse,
        held_by: 'exchange',
      });
    }
    return null;
  }

  #offered(demand: LineDemand, warehouse: string): StockUnit[] {
    const { sku, unitIds = [], quantity } = demand;
    const mayTake = (unit: StockUnit) => this.#mayTake(unit);
    if (unitIds.length > 0) {
      const named = unitIds.flatMap((unitId) => this.#units.get(sku, unitId) ?? []);
      return named.filter((unit) => unit.warehouse === warehouse && mayTake(unit));
    }
    const offered = this.#units.ofPool(sku, warehouse).filter(mayTake);
    if (offered.length < quantity && this.#units.isTruncated(sku)) throw new MissingRows([], [sku]);
    return offered;
  }

  #mayTake(unit: StockUnit): boolean {
    if (this.#taken.has(`${unit.sku}\u0000${unit.unitId}`)) return false;
    return isFree(unit) || (this.#isOwn(unit) && unit.onHand && !unit.unavailable);
  }

  #isOwn({ sku, unitId }: StockUnit): boolean {
    return this.#own.has(`${sku}\u0000${unitId}`);
  }
}
