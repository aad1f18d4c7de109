import { settleLostUnits } from './lost-units.ts';
import type { Reservation } from './reservation.ts';
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
import type { Cause, WorkingSet } from './working-set.ts';

/** Lines of one pool that one unit of work looks at, in each direction, to choose whose units are missing. */
export const VICTIMS_MAX = 256;

/** Lines read beyond those that seem to be needed, since other commands of the unit may need some too. */
const VICTIMS_SPARE = 16;

/** A line that lacks units, and the most it lacked in this unit of work. */
export interface Victim {
  readonly reservationId: string;
  readonly lineNumber: number;
  readonly units: number;
}

/** The record of a shortage as one unit of work leaves it. */
export interface ShortageRecord {
  readonly sku: string;
  readonly warehouse: string;
  /** Opened in this unit; else it was open before. */
  readonly isNew: boolean;
  /** Units missing now, 0 once it is closed. */
  quantity: number;
  /** The most that were missing in this unit. */
  most: number;
  readonly victims: Map<string, Victim>;
}

/**
 * The shortages of the locked pools. After each command the lines that lack units are chosen anew where a pool is short
 * or was: as many units are missing of its lines as the pool lacks beyond what pickers did not find.
 */
export class ShortageBook {
  /** Pools whose victims must be read before the unit can be decided, with the lines to read. */
  readonly wanted = new Map<string, number>();
  /** By pool, in the order in which they opened. */
  readonly records = new Map<string, ShortageRecord[]>();
  /** Units by pool that are still to be chosen (positive) or given back (negative) by a later unit. */
  readonly unsettled = new Map<string, number>();
  readonly #victims: ReadonlyMap<string, PoolVictims>;
  /** Shortage of each pool as it was last seen, where there is one. */
  readonly #short = new Map<string, number>();
  readonly #lacking = new Map<string, { short: number; missing: number }>();
  readonly #holders = new Map<string, Map<string, Reservation>>();
  readonly #touched = new Set<string>();
  #transitionsSeen = 0;
  #movementsSeen = 0;

  constructor(
    pools: readonly StockLevel[],
    reservations: readonly Reservation[],
    victims: ReadonlyMap<string, PoolVictims>,
  ) {
    this.#victims = victims;
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
   * Settles the pools that changed since the last time.
   * @returns whether a reservation was changed by it
   */
  settle(work: WorkingSet, cause: Cause): boolean {
    this.#follow(work);
    if (this.#touched.size === 0) return false;
    const before = work.transitions.length;
    for (const key of [...this.#touched].sort()) {
      const level = work.pools.get(key);
      if (level !== undefined) this.#settlePool(work, key, level, cause);
    }
    this.#follow(work);
    this.#touched.clear();
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
    const lacking = this.#lacking.get(key);
    if (victims === undefined || lacking === undefined) {
      this.#want(key, Math.max(shortage, before, work.units.lostOf(level.sku, level.warehouse)));
      return;
    }
    if (work.units.isRead(level.sku)) this.#settleUnits(work, level, cause);
    // Where more is unavailable than is on hand, more is missing than was promised; lines cannot lack what they do not hold.
    const promised = Math.min(shortageUnits(level, victims.due), level.reserved - victims.due);
    const target = Math.max(0, promised - lacking.short);
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
      work.record({ kind: transition.kind, previous, next: transition.next, cause }, []);
    }
    this.#follow(work);
    const settled = losses.reduce((sum, loss) => sum + loss.units, 0);
    this.unsettled.set(key, difference - settled);
    const isCut = difference > 0 ? victims.lastToLose !== null : victims.lastToRecover !== null;
    if (difference !== settled && isCut && victims.limit < VICTIMS_MAX) {
      this.#want(key, Math.abs(difference) + victims.limit);
    }
    if (record !== null && record.quantity > 0) this.#keepVictims(key, level, record);
  }

  /** Which serial unit is gone decides who lacks it; nobody else's is taken away for it. */
  #settleUnits(work: WorkingSet, level: StockLevel, cause: Cause): void {
    const { sku, warehouse } = level;
    const parts = this.#partsOf(poolKey(sku, warehouse), level);
    for (const { previous, transitions } of settleLostUnits(parts, {
      sku,
      warehouse,
      now: work.now,
      units: work.units,
    })) {
      let present: Reservation = previous;
      for (const transition of transitions) {
        if (transition.outcome !== 'changed') continue;
        const { kind, next, pools } = transition;
        work.record({ kind, previous: present, next, cause }, pools);
        present = next;
      }
    }
    this.#follow(work);
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

  #partsOf(key: string, { sku, warehouse }: StockLevel): HeldPart[] {
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
      record = { sku, warehouse, isNew: !wasShort, quantity, most: quantity, victims: new Map() };
      list.push(record);
    }
    record.quantity = quantity;
    record.most = Math.max(record.most, quantity);
    if (quantity === 0) this.#short.delete(key);
    else this.#short.set(key, quantity);
    return record;
  }

  #keepVictims(key: string, level: StockLevel, record: ShortageRecord): void {
    for (const { part, reservationId, lineNumber } of this.#partsOf(key, level)) {
      const units = part.short + (part.missing ?? 0);
      const id = `${reservationId}/${lineNumber}`;
      if (units > (record.victims.get(id)?.units ?? 0)) {
        record.victims.set(id, { reservationId, lineNumber, units });
      }
    }
  }
}
