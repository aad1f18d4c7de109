import { promoteWaiting } from '../../src/domain/promotion.ts';
import type { LiveReservation, Waiting } from '../../src/domain/reservation.ts';
import type { StockLevel } from '../../src/domain/stock-level.ts';
import { entriesOf } from '../../src/domain/waitlist.ts';
import type { WorkingSet } from '../../src/domain/working-set.ts';
import type { WorkingSetRows } from '../../src/domain/working-set-rows.ts';
import { A_CAUSE, aLine, aReservation, DAY_MS, T0 } from './arbitraries.ts';
import { aWorkingSet, named, rulesKeeping } from './deciding.ts';

/** How long what waited is held once it waits no more. */
export const WINDOW_MS = 3 * DAY_MS;

export function waiting(units: number, more: Partial<Waiting> = {}): Waiting {
  return { units, warehouse: '', since: T0, holdWindowMs: WINDOW_MS, ...more };
}

/** A reservation that holds nothing and waits for units of A. */
export function aWaiter(name: string, units: number, more: Partial<LiveReservation> = {}, how: Partial<Waiting> = {}) {
  const line = aLine({ quantity: units, allocations: [], waiting: waiting(units, how) });
  return { ...named(aReservation({ state: 'WAITLISTED', lines: [line], ...more }), name) };
}

/** A unit that has locked all who wait, with their queues; its rules keep the safety stock that the pools have. */
export function aQueue(waiters: readonly LiveReservation[], pools: StockLevel[], more: Partial<WorkingSetRows> = {}) {
  const ruleSet = rulesKeeping(pools);
  return aWorkingSet({ reservations: waiters, waiting: waiters.flatMap(entriesOf), pools, ruleSet, ...more });
}

/** Serves the queues and names those who were served, in order. */
export function served(work: WorkingSet): string[] {
  promoteWaiting(work, A_CAUSE);
  return work.transitions.map(({ next }) => next.exchangeId.slice(2));
}
