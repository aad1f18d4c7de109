import { countIn, type HeldUnit } from './held-units.ts';
import type { Allocation } from './reservation.ts';

/** An allocation that holds exactly these serial units; its counters are what they say. */
export function withHeldUnits(part: Allocation, units: readonly HeldUnit[]): Allocation {
  const { missing: _, units: __, ...counts } = part;
  const missing = countIn(units, 'MISSING');
  return {
    ...counts,
    reserved: units.length,
    picked: countIn(units, 'PICKED'),
    short: countIn(units, 'SHORT'),
    ...(missing > 0 && { missing }),
    ...(units.length > 0 && { units }),
  };
}
