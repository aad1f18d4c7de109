/** What is known of a unit that is held: picked, not found by a picker, gone from the stock otherwise, or none of these. */
export type UnitCondition = 'HELD' | 'PICKED' | 'SHORT' | 'MISSING';

/** One serial unit that an allocation holds. */
export interface HeldUnit {
  readonly unitId: string;
  readonly condition: UnitCondition;
}

/** Picked units leave first and lacking ones last. */
export const LEAVING: readonly UnitCondition[] = ['PICKED', 'HELD', 'MISSING', 'SHORT'];

/** What was not found is the first to be had from elsewhere, then what is missing. */
export const MOVING: readonly UnitCondition[] = ['SHORT', 'MISSING', 'HELD', 'PICKED'];

export interface DrawnUnits {
  readonly taken: readonly string[];
  readonly rest: readonly HeldUnit[];
}

export function countIn(units: readonly HeldUnit[], condition: UnitCondition): number {
  return units.filter((unit) => unit.condition === condition).length;
}

/** Takes so many units out, those of the first condition first. */
export function draw(units: readonly HeldUnit[], count: number, order: readonly UnitCondition[]): DrawnUnits {
  const ranked = order.flatMap((condition) => units.filter((unit) => unit.condition === condition));
  const taken = ranked.slice(0, count).map((unit) => unit.unitId);
  return { taken, rest: units.filter((unit) => !taken.includes(unit.unitId)) };
}

/** Takes units out by their names; one that is not held is not taken. */
export function drawNamed(units: readonly HeldUnit[], unitIds: readonly string[]): DrawnUnits {
  const named = new Set(unitIds);
  return {
    taken: units.filter((unit) => named.has(unit.unitId)).map((unit) => unit.unitId),
    rest: units.filter((unit) => !named.has(unit.unitId)),
  };
}

/** The named units are picked, and so many in all; what was missing turns out to be there last. */
export function markPicked(units: readonly HeldUnit[], unitIds: readonly string[], total: number): HeldUnit[] {
  const picked = new Set(unitIds);
  for (const unit of units) if (unit.condition === 'PICKED') picked.add(unit.unitId);
  for (const unitId of draw(units, units.length, LEAVING).taken) if (picked.size < total) picked.add(unitId);
  return units.map((unit) => (picked.has(unit.unitId) ? { ...unit, condition: 'PICKED' } : unit));
}

/** The named units were not found, or so many of those nobody has picked: the missing ones, then the last. */
export function markShort(units: readonly HeldUnit[], unitIds: readonly string[], count: number): HeldUnit[] {
  const sought = [...namesIn(units, 'MISSING'), ...namesIn(units, 'HELD').reverse()];
  const short = new Set(unitIds.length > 0 ? sought.filter((one) => unitIds.includes(one)) : sought.slice(0, count));
  return units.map((unit) => (short.has(unit.unitId) ? { ...unit, condition: 'SHORT' } : unit));
}

function namesIn(units: readonly HeldUnit[], condition: UnitCondition): string[] {
  return units.filter((unit) => unit.condition === condition).map((unit) => unit.unitId);
}

/** The names, in the order in which they are read back. */
export function inOrder<T extends HeldUnit>(units: readonly T[]): T[] {
  return [...units].sort((a, b) => (a.unitId < b.unitId ? -1 : 1));
}
