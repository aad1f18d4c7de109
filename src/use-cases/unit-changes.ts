import { type Refusal, refuse } from '../domain/refusal.ts';
import type { StockUnit } from '../domain/stock-units.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import type { StockChange } from './stock.ts';

/**
 * Holds the serial units that changes name against what is known of them: each comes in once, is taken off only where it
 * is, and is named on one change alone. Items whose units are not told apart name none.
 */
export function checkUnitChanges(work: WorkingSet, changes: readonly StockChange[]): Refusal | null {
  const named = new Set<string>();
  for (const change of changes) {
    const { sku, unitIds = [] } = change;
    if (!work.isSerial(sku)) {
      if (unitIds.length > 0) return wrong(change, `${sku} has no serial units`);
      continue;
    }
    const { onHand = 0, unavailable = 0 } = change.delta;
    if ([onHand, unavailable].some((delta) => delta !== 0 && Math.abs(delta) !== unitIds.length)) {
      return wrong(change, 'as many units are named as change');
    }
    if (onHand === 0 && unavailable === 0 && unitIds.length > 0) return wrong(change, 'nothing happens to the units');
    for (const unitId of unitIds) {
      if (named.has(`${sku}\u0000${unitId}`)) return wrong(change, 'a unit is named twice', unitId);
      named.add(`${sku}\u0000${unitId}`);
      const refusal = checkUnit(change, unitId, work.units.get(sku, unitId));
      if (refusal !== null) return refusal;
    }
  }
  return null;
}

/** Units change with the pools they belong to. */
export function applyUnitChanges(work: WorkingSet, changes: readonly StockChange[]): void {
  for (const { sku, warehouse, unitIds = [], delta } of changes) {
    if (unitIds.length > 0) work.units.apply({ sku, warehouse, unitIds, delta });
  }
}

function checkUnit(change: StockChange, unitId: string, unit: StockUnit | null): Refusal | null {
  const { onHand = 0, unavailable = 0 } = change.delta;
  if (onHand > 0) return checkIncoming(change, unitId, unit);
  if (unit?.onHand !== true || unit.warehouse !== change.warehouse) {
    return wrong(change, 'the unit is not on hand there', unitId);
  }
  if (unavailable !== 0 && unit.unavailable === unavailable > 0) {
    return wrong(change, `the unit is ${unit.unavailable ? 'unavailable already' : 'not unavailable'}`, unitId);
  }
  if (onHand < 0 && unavailable > 0) return wrong(change, 'a unit that leaves cannot become unavailable', unitId);
  const stays = unit.unavailable && onHand < 0 && unavailable === 0;
  return stays ? wrong(change, 'the unit is unavailable: it leaves from there as well', unitId) : null;
}

function checkIncoming(change: StockChange, unitId: string, unit: StockUnit | null): Refusal | null {
  if (unit?.onHand === true) return wrong(change, `the unit is on hand at ${unit.warehouse}`, unitId);
  if ((change.delta.unavailable ?? 0) < 0) return wrong(change, 'the unit is not unavailable', unitId);
  if (unit?.allocated !== true || unit.warehouse === change.warehouse) return null;
  return refuse('UNIT_HELD', `unit ${unitId} is held by an exchange at ${unit.warehouse}`, {
    unit_id: unitId,
    sku: change.sku,
    warehouse: unit.warehouse,
    held_by: 'exchange',
  });
}

function wrong({ sku, warehouse }: StockChange, text: string, unitId = ''): Refusal {
  return refuse('INVALID_FIELD', text, { field: 'unit_ids', sku, warehouse, unit_id: unitId });
}
