import { compileRule } from '../../adapters/cel/compile-rule.ts';
import { makeChecks } from '../../src/domain/eligibility.ts';
import type { LiveReservation, Reservation } from '../../src/domain/reservation.ts';
import type { RuleSet } from '../../src/domain/rule-book.ts';
import { FIRST_RULES, type Rules } from '../../src/domain/rules.ts';
import { poolKey, type StockLevel } from '../../src/domain/stock-level.ts';
import { WorkingSet } from '../../src/domain/working-set.ts';
import type { WorkingSetRows } from '../../src/domain/working-set-rows.ts';
import type { Outcome, UnitOfWork } from '../../src/ports.ts';
import type { Call } from '../../src/use-cases/call.ts';
import { A_CAUSE, aLevel, anItem, aWarehouse, SKUS, T0 } from './arbitraries.ts';

/** Asks as a service would. */
export const CALL: Call = { caller: A_CAUSE.caller, trace: null };

/** The first rules with changes, ready to be asked. */
export function aRuleSet(more: Partial<Rules> = {}): RuleSet {
  const rules = { ...FIRST_RULES, ...more };
  return { rules, checks: makeChecks(rules, compileRule) };
}

/** The first rules, keeping the safety stock that the pools have. */
export function rulesKeeping(levels: readonly StockLevel[]): RuleSet {
  const safetyStocks = levels.map(({ sku, warehouse, safetyStock }) => ({
    sku,
    warehouse,
    units: safetyStock,
    percent: 0,
  }));
  return aRuleSet({ safetyStocks });
}

/** A working set with items A, B and C, warehouses W1 to W3, and ten units of A at W1, unless told otherwise. */
export function aWorkingSet(more: Partial<WorkingSetRows> = {}): WorkingSet {
  const reservations = more.reservations ?? [];
  return new WorkingSet({
    now: T0,
    ruleSet: aRuleSet(),
    newestRules: null,
    earlierRules: [],
    milestones: new Map(),
    reported: new Map(),
    notifications: [],
    victims: new Map(),
    warehouses: [aWarehouse('W1'), aWarehouse('W2', { priority: 2 }), aWarehouse('W3', { priority: 3, wms: 'wms-3' })],
    items: new Map(SKUS.map((sku) => [sku, anItem(sku)])),
    skus: new Set([...SKUS, 'unknown']),
    wantedSkus: SKUS,
    waiting: [],
    pools: [aLevel()],
    exchanges: reservations.map(({ exchangeId, reservationId }) => ({ exchangeId, reservationId, closedBy: null })),
    orderLines: [],
    liveCounts: new Map(),
    movedSince: new Map(),
    ...more,
    reservations,
  });
}

/** Decides commands one after another on one working set, as a unit does, and writes nothing. */
export function decidingOn(work: WorkingSet): UnitOfWork {
  return {
    submit: async (commands) =>
      commands.map((command): Outcome => {
        const decision = command.decide(work);
        return 'refusal' in decision
          ? { ok: false, ...decision }
          : { ok: true, answer: decision.answer, replayed: false };
      }),
  };
}

export function levelIn(work: WorkingSet, sku = 'A', warehouse = 'W1'): StockLevel {
  const level = work.pools.get(poolKey(sku, warehouse));
  if (level === undefined) throw new TypeError(`no pool ${sku} at ${warehouse}`);
  return level;
}

/** What an outcome says: a refusal's reason, or the state of the reservation it answers with. */
export function saidBy(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'nothing';
  if (!outcome.ok) return outcome.refusal.reason;
  const { answer } = outcome;
  return answer.kind === 'reservation' ? (answer.reservation?.state ?? 'no reservation') : answer.kind;
}

/** Pools that hold exactly what the reservations do, with `onHand` units each. */
export function poolsFor(reservations: readonly Reservation[], onHand: number): StockLevel[] {
  const pools = new Map<string, StockLevel>();
  for (const line of reservations.flatMap((one) => one.lines)) {
    for (const part of line.allocations) {
      const key = poolKey(line.sku, part.warehouse);
      const level = pools.get(key) ?? aLevel({ sku: line.sku, warehouse: part.warehouse, onHand });
      pools.set(key, { ...level, reserved: level.reserved + part.reserved });
    }
  }
  return [...pools.values()];
}

export function named(reservation: LiveReservation, name: string): LiveReservation {
  return { ...reservation, reservationId: `r-${name}`, trackingId: `t-${name}`, exchangeId: `x-${name}` };
}
