import { AvailableElsewhere, isElsewhere } from './available-elsewhere.ts';
import { recordLostUnits } from './lost-units.ts';
import { poolsAsked, RE_SOURCED, reSource } from './re-source.ts';
import { lackingUnits, type Reservation } from './reservation.ts';
import { suggestRefunds } from './shortage-cures.ts';
import { keepVictims, type ShortageRecord } from './shortage-record.ts';
import { poolKey, type StockLevel, shortageUnits } from './stock-level.ts';
import {
  applyLosses,
  byLoss,
  chooseLosers,
  chooseRecovered,
  type HeldPart,
  heldParts,
  type Loss,
  type PoolVictims,
} from './victims.ts';
import type { Cause, PoolRef, WorkingSet } from './working-set.ts';

/** Lines of one pool that one unit of work looks at, in each direction, to choose whose units are missing. */
export const VICTIMS_MAX = 256;

/** Lines read beyond those that seem to be needed, since other commands of the unit may need some too. */
const VICTIMS_SPARE = 16;

/**
 * The shortages of the locked pools. After each command the lines that lack units are chosen anew where a pool is short
 * or was: as many units are missing of its lines as the pool lacks beyond what pickers did not find. Then, by the rules,
 * what lacks units is held in other warehouses that have them.
 */
export class ShortageBook {
  /** Pools whose victims must be read before the unit can be decided, with the lines to read. */
  readonly wanted = new Map<string, number>();
  /** By pool, in the order in which they opened. */
  readonly records = new Map<string, ShortageRecord[]>();
  /** Units by pool that are still to be chosen (positive) or given back (negative) by a later unit. */
  readonly unsettled = new Map<string, number>();
  readonly #victims: ReadonlyMap<string, PoolVictims>;
  readonly #elsewhere: AvailableElsewhere;
  /** Shortage of each pool as it was last seen, where there is one. */
  readonly #short = new Map<string, number>();
  readonly #lacking = new Map<string, { short: number; missing: number }>();
  readonly #holders = new Map<string, Map<string, Reservation>>();
  readonly #touched = new Set<string>();
  #transitionsSeen = 0;
  #transitionsSettled = 0;
  #movementsSeen = 0;

  constructor(
    pools: readonly StockLevel[],
    reservations: readonly Reservation[],
    victims: ReadonlyMap<string, PoolVictims>,
  ) {
    this.#victims = victims;
    this.#elsewhere = new AvailableElsewhere(pools);
    for (const level of pools) {
      const units = shortageUnits(level);
      if (units > 0) this.#short.set(poolKey(level.sku, level.warehouse), units);
    }
    for (const [key, { short, missing }] of victims) {
      this.#lacking.set(key, { short, missing });
      this.#holders.set(key, new Map());
    }
    if (victims.size > 0) for (const reservation of reservations) this.#keepHolder(reservation);
  }

  /** Has a pool settled though no command changes it. */
  touch(sku: string, warehouse: string): void {
    this.#touched.add(poolKey(sku, warehouse));
  }

  /**
   * Settles the pools that changed since the last time, until no cure of one changes another.
   * @returns whether a reservation was changed by it
   */
  settle(work: WorkingSet, cause: Cause): boolean {
    this.#follow(work);
    const before = work.transitions.length;
    while (this.#touched.size > 0) {
      const keys = [...this.#touched].sort();
      this.#touched.clear();
      for (const key of keys) {
        const level = work.pools.get(key);
        if (level !== undefined) this.#settlePool(work, key, level, cause);
      }
      this.#follow(work);
    }
    if (this.#short.size > 0 && this.wanted.size === 0) {
      suggestRefunds(work, work.transitions.slice(this.#transitionsSettled), (sku, warehouse) =>
        this.#short.has(poolKey(sku, warehouse)),
      );
    }
    this.#transitionsSettled = work.transitions.length;
    return work.transitions.length > before;
  }

  /** Takes in what was recorded since the last time, and notes which short pools it touches. */
  #follow(work: WorkingSet): void {
    const { transitions, movements } = work;
    for (; this.#transitionsSeen < transitions.length; this.#transitionsSeen += 1) {
      const { previous, next } = transitions[this.#transitionsSeen] ?? { previous: null, next: null };
      if (next === null) continue;
      this.#noteParts(work, previous);
      this.#noteParts(work, next);
      if (this.#victims.size === 0) continue;
      this.#count(previous, -1);
      this.#count(next, 1);
      this.#keepHolder(next);
    }
    for (; this.#movementsSeen < movements.length; this.#movementsSeen += 1) {
      const movement = movements[this.#movementsSeen];
      if (movement !== undefined) this.#note(work, poolKey(movement.sku, movement.warehouse));
    }
    if (this.#short.size > 0) this.#followAvailable(work);
  }

  /** Where more has become available of a SKU, what is lacking elsewhere may be cured. */
  #followAvailable(work: WorkingSet): void {
    const shorts = [...this.#short.keys()].map((key) => ({ key, sku: key.split('\u0000')[0] ?? '' }));
    const risen = this.#elsewhere.risen(work, new Set(shorts.map(({ sku }) => sku)));
    for (const { key, sku } of shorts) if (risen.has(sku)) this.#touched.add(key);
  }

  /** A line that lacks units touches its pool also where nothing is short any more. */
  #noteParts(work: WorkingSet, reservation: Reservation | null): void {
    for (const { sku, allocations } of reservation?.lines ?? []) {
      for (const { warehouse, missing } of allocations) {
        const key = poolKey(sku, warehouse);
        if (missing === undefined) this.#note(work, key);
        else this.#touched.add(key);
      }
    }
  }

  #note(work: WorkingSet, key: string): void {
    const level = work.pools.get(key);
    if (level === undefined) return;
    const isConcerned = this.#short.has(key) || this.#victims.has(key) || shortageUnits(level) > 0;
    if (isConcerned || work.units.lostOf(level.sku, level.warehouse) > 0) this.#touched.add(key);
  }

  #count(reservation: Reservation | null, sign: 1 | -1): void {
    for (const { sku, allocations } of reservation?.lines ?? []) {
      for (const { warehouse, short, missing = 0 } of allocations) {
        const lacking = this.#lacking.get(poolKey(sku, warehouse));
        if (lacking === undefined) continue;
        lacking.short += sign * short;
        lacking.missing += sign * missing;
      }
    }
  }

  #keepHolder(reservation: Reservation): void {
    for (const { sku, allocations } of reservation.lines) {
      for (const { warehouse } of allocations) {
        this.#holders.get(poolKey(sku, warehouse))?.set(reservation.reservationId, reservation);
      }
    }
  }

  #settlePool(work: WorkingSet, key: string, level: StockLevel, cause: Cause): void {
    const shortage = shortageUnits(level);
    const before = this.#short.get(key) ?? 0;
    const record = this.#keepRecord(key, level, shortage);
    const victims = this.#victims.get(key);
    if (victims === undefined) {
      this.#want(key, Math.max(shortage, before, work.units.lostOf(level.sku, level.warehouse)));
      return;
    }
    if (work.units.isRead(level.sku)) recordLostUnits(work, this.#partsOf(key, level), level, cause);
    this.#follow(work);
    this.#balance(work, key, victims, cause);
    if (record === null || record.quantity === 0) return;
    keepVictims(record, this.#partsOf(key, record));
    this.#cure(work, key, victims, record, cause);
  }

  /** Has the lines lack as many units as the pool does. */
  #balance(work: WorkingSet, key: string, victims: PoolVictims, cause: Cause): void {
    const level = work.pools.get(key);
    const lacking = this.#lacking.get(key);
    if (level === undefined || lacking === undefined) return;
    const target = Math.max(0, lackingOfLines(level, victims) - lacking.short);
    const difference = target - lacking.missing;
    const losses = work.units.isRead(level.sku) ? [] : this.#choose(key, level, victims, difference);
    const byReservation = new Map<string, Loss[]>();
    for (const loss of losses) {
      const { reservationId } = loss.held;
      byReservation.set(reservationId, [...(byReservation.get(reservationId) ?? []), loss]);
    }
    for (const mine of byReservation.values()) {
      const previous = mine[0]?.held.reservation;
      if (previous === undefined) continue;
      const transition = applyLosses(previous, mine);
      if (transition.outcome !== 'changed') continue;
      const { kind, next } = transition;
      const asked = kind === 'short' ? mine.map(({ held }) => poolsAsked(held, work)) : [];
      const seen = asked.find((pools) => pools.length > 0);
      work.record({ kind, previous, next, cause, ...(seen === undefined ? {} : { seen }) }, []);
    }
    this.#follow(work);
    const settled = losses.reduce((sum, loss) => sum + loss.units, 0);
    this.unsettled.set(key, difference - settled);
    const isCut = difference > 0 ? victims.lastToLose !== null : victims.lastToRecover !== null;
    if (difference !== settled && isCut && victims.limit < VICTIMS_MAX) {
      this.#want(key, Math.abs(difference) + victims.limit);
    }
  }

  /**
   * Holds in other warehouses what is lacking here, once all who lack it are known: who would lose it last goes first, as
   * where it is found again.
   */
  #cure(work: WorkingSet, key: string, victims: PoolVictims, record: ShortageRecord, cause: Cause): void {
    if (this.unsettled.get(key) !== 0) return;
    const { lastToRecover } = victims;
    const parts = this.#partsOf(key, record).filter(
      (one) => lackingUnits(one.part) > 0 && (lastToRecover === null || byLoss(one, lastToRecover) >= 0),
    );
    let isAnyCured = false;
    for (const { reservationId, lineNumber } of parts.sort((a, b) => byLoss(b, a))) {
      const level = work.pools.get(key);
      if (level === undefined || lackingOfLines(level, victims) === 0 || !isElsewhere(work, record)) break;
      const holder = this.#holders.get(key)?.get(reservationId);
      const held = holder === undefined ? [] : heldParts(holder, record.sku, record.warehouse);
      const mine = held.find((one) => one.lineNumber === lineNumber);
      const moved = mine === undefined ? null : reSource(mine, lackingOfLines(level, victims), work);
      if (mine === undefined || moved === null) continue;
      const { kind, next, pools, seen } = moved;
      work.record({ kind, previous: mine.reservation, next, cause: { ...cause, reason: RE_SOURCED }, seen }, pools);
      this.#follow(work);
      this.#balance(work, key, victims, cause);
      isAnyCured = true;
    }
    const after = work.pools.get(key);
    if (after === undefined || !isAnyCured) return;
    this.#keepRecord(key, after, shortageUnits(after));
    record.curesLeft = lastToRecover !== null && record.quantity > 0 && isElsewhere(work, record);
  }

  #want(key: string, units: number): void {
    const lines = Math.min(VICTIMS_MAX, units + VICTIMS_SPARE);
    this.wanted.set(key, Math.max(lines, this.wanted.get(key) ?? 0));
  }

  /** Only among those whose place in the order is known: behind the last that was read there may be others. */
  #choose(key: string, level: StockLevel, victims: PoolVictims, difference: number): Loss[] {
    if (difference === 0) return [];
    const { lastToLose, lastToRecover } = victims;
    const parts = this.#partsOf(key, level);
    if (difference > 0) {
      const known = parts.filter((part) => lastToLose === null || byLoss(part, lastToLose) <= 0);
      return chooseLosers(known, difference);
    }
    const known = parts.filter((part) => lastToRecover === null || byLoss(part, lastToRecover) >= 0);
    return chooseRecovered(known, -difference);
  }

  #partsOf(key: string, { sku, warehouse }: PoolRef): HeldPart[] {
    return [...(this.#holders.get(key)?.values() ?? [])].flatMap((one) => heldParts(one, sku, warehouse));
  }

  /** The open record of a pool, opened or closed as its shortage wants it; null where it has none. */
  #keepRecord(key: string, { sku, warehouse }: StockLevel, quantity: number): ShortageRecord | null {
    const wasShort = this.#short.has(key);
    if (!wasShort && quantity === 0) return null;
    const list = this.records.get(key) ?? [];
    this.records.set(key, list);
    let record = list.at(-1);
    if (record === undefined || record.quantity === 0) {
      record = { sku, warehouse, isNew: !wasShort, quantity, most: quantity, curesLeft: false, victims: new Map() };
      list.push(record);
    }
    record.quantity = quantity;
    record.most = Math.max(record.most, quantity);
    if (quantity === 0) this.#short.delete(key);
    else this.#short.set(key, quantity);
    return record;
  }
}

/** Units that the lines of a pool lack together. Where more is unavailable than is on hand, the pool lacks more. */
function lackingOfLines(level: StockLevel, { due }: PoolVictims): number {
  return Math.min(shortageUnits(level, due), level.reserved - due);
}
