import type { AskedRequest } from './asked-request.ts';
import type { Caller } from './caller.ts';
import { uncountedDelta } from './counting.ts';
import type { OrderLineUse } from './eligibility.ts';
import { ExchangeStates } from './exchange-states.ts';
import type { Item } from './item.ts';
import { LiveCounts } from './live-counts.ts';
import { MilestoneLog } from './milestone-log.ts';
import { MissingRows } from './missing-rows.ts';
import { OrderLineUses } from './order-line-uses.ts';
import { assertInvariant } from './refusal.ts';
import { isDue, type Reservation } from './reservation.ts';
import { expire } from './resolution.ts';
import { RuleBook } from './rule-book.ts';
import type { Rules } from './rules.ts';
import type { SeenPool } from './seen-pools.ts';
import type { Warehouse } from './sourcing.ts';
import { applyDelta, poolKey, type StockDelta, type StockLevel } from './stock-level.ts';
import type { TransitionKind } from './transition.ts';
import type { WorkingSetRows } from './working-set-rows.ts';

/** Names one reservation by any of its three ids. */
export interface Target {
  readonly by: 'reservation' | 'tracking' | 'exchange';
  readonly id: string;
}

export interface PoolRef {
  readonly sku: string;
  readonly warehouse: string;
}

/** An exchange and the newest reservation made for it. */
export interface ExchangeState {
  readonly exchangeId: string;
  readonly reservationId: string | null;
  /** The terminal milestone that closed it, or null while open. */
  readonly closedBy: string | null;
}

/** Who and what caused a change, for its audit event. */
export interface Cause {
  readonly caller: Caller;
  /** Short code or words of the caller; never customer data. */
  readonly reason: string;
  readonly traceId: string;
  /** W3C trace context of the causing request; empty where there is none. */
  readonly traceparent: string;
}

export interface RecordedTransition {
  readonly kind: TransitionKind;
  readonly previous: Reservation | null;
  readonly next: Reservation;
  readonly cause: Cause;
  /** The pools as the decision saw them, where it chose among some. */
  readonly seen?: readonly SeenPool[];
  /** The request that made the reservation. */
  readonly asked?: AskedRequest;
}

export type MovementKind = 'RECEIVED' | 'ADJUSTED' | 'COUNTED' | 'SHIPPED' | 'SHORT_PICKED';

/** A change of what is physically there. Reserving and releasing move nothing and write no movement. */
export interface Movement {
  readonly sku: string;
  readonly warehouse: string;
  readonly kind: MovementKind;
  readonly onHandDelta: number;
  readonly unavailableDelta: number;
  readonly committedDelta: number;
  /** When it happened in the warehouse, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly reservationId: string | null;
  readonly cause: Cause;
}

/**
 * The locked rows of one unit of work and everything its commands have decided so far. Each command sees what the
 * earlier ones left. Holds no I/O: the unit of work fills it and writes what it recorded.
 */
export class WorkingSet {
  readonly now: number;
  readonly ruleBook: RuleBook;
  readonly exchanges: ExchangeStates;
  readonly milestones: MilestoneLog;
  readonly transitions: RecordedTransition[] = [];
  readonly movements: Movement[] = [];
  readonly putItems = new Map<string, Item>();
  readonly putWarehouses = new Map<string, Warehouse>();
  readonly #rows: WorkingSetRows;
  readonly #warehouses: Map<string, Warehouse>;
  readonly #pools = new Map<string, StockLevel>();
  readonly #loadedPools = new Map<string, StockLevel>();
  readonly #reservations = new Map<string, Reservation>();
  readonly #byTracking = new Map<string, string>();
  readonly #orderLines: OrderLineUses;
  readonly #liveCounts: LiveCounts;

  constructor(rows: WorkingSetRows) {
    this.#rows = rows;
    this.now = rows.now;
    this.ruleBook = new RuleBook(rows.ruleSet, rows.newestRules, rows.earlierRules);
    this.exchanges = new ExchangeStates(rows.exchanges);
    this.milestones = new MilestoneLog(rows.milestones);
    this.#warehouses = new Map(rows.warehouses.map((warehouse) => [warehouse.code, warehouse]));
    for (const level of rows.pools) {
      const key = poolKey(level.sku, level.warehouse);
      this.#pools.set(key, level);
      this.#loadedPools.set(key, level);
    }
    for (const reservation of rows.reservations) {
      this.#reservations.set(reservation.reservationId, reservation);
      this.#byTracking.set(reservation.trackingId, reservation.reservationId);
    }
    this.#orderLines = new OrderLineUses(rows.orderLines);
    this.#liveCounts = new LiveCounts(rows.liveCounts, rows.now);
  }

  /** The rules that hold for the command that is decided now. */
  get rules(): Rules {
    return this.ruleBook.inForce.rules;
  }

  get pools(): ReadonlyMap<string, StockLevel> {
    return this.#pools;
  }

  warehouses(): Warehouse[] {
    return [...this.#warehouses.values()];
  }

  warehouse(code: string): Warehouse | null {
    return this.#warehouses.get(code) ?? null;
  }

  /** @throws MissingRows where the SKU's pools are not locked */
  item(sku: string): Item | null {
    if (!this.#rows.skus.has(sku)) throw new MissingRows([], [sku]);
    return this.putItems.get(sku) ?? this.#rows.items.get(sku) ?? null;
  }

  pool(sku: string, warehouse: string): StockLevel | null {
    if (!this.#rows.skus.has(sku)) throw new MissingRows([], [sku]);
    return this.#pools.get(poolKey(sku, warehouse)) ?? null;
  }

  /** @throws MissingRows where the exchange's newest reservation is known but not locked */
  exchange(exchangeId: string): { readonly state: ExchangeState; readonly latest: Reservation | null } {
    const state = this.exchanges.get(exchangeId);
    if (state.reservationId === null) return { state, latest: null };
    const latest = this.#reservations.get(state.reservationId);
    if (latest === undefined) throw new MissingRows([state.reservationId]);
    return { state, latest };
  }

  /** The reservation a target names; by exchange, the newest one. */
  find(target: Target): Reservation | null {
    if (target.by === 'exchange') return this.exchange(target.id).latest;
    const id = target.by === 'tracking' ? this.#byTracking.get(target.id) : target.id;
    return id === undefined ? null : (this.#reservations.get(id) ?? null);
  }

  orderLine(orderId: string, orderLineId: string): OrderLineUse {
    return this.#orderLines.get(orderId, orderLineId);
  }

  /** Live reservations of a customer. @throws MissingRows where the customer is not locked */
  liveOf(customerRef: string): number {
    const count = this.#liveCounts.get(customerRef);
    if (count === null) throw new MissingRows([], [], true);
    return count;
  }

  /** On hand changes of a pool that occurred after an instant, those decided in this unit included. */
  movedSince(sku: string, warehouse: string, since: number): number {
    const before = this.#rows.movedSince.get(`${poolKey(sku, warehouse)}\u0000${since}`) ?? 0;
    return this.movements
      .filter((one) => one.sku === sku && one.warehouse === warehouse && one.occurredAt > since)
      .reduce((sum, one) => sum + one.onHandDelta, before);
  }

  /** Frees what the clock has freed already, before any command is decided. */
  expireDue(cause: Cause): void {
    for (const reservation of [...this.#reservations.values()]) {
      if (!isDue(reservation, this.now)) continue;
      const decision = expire(reservation, this.now);
      if (decision.outcome === 'changed') {
        this.record({ kind: decision.kind, previous: reservation, next: decision.next, cause }, decision.pools);
      }
    }
  }

  /** Records a transition of a reservation with what it does to pools and order lines. */
  record(
    transition: RecordedTransition,
    pools: readonly { readonly sku: string; readonly warehouse: string; readonly delta: StockDelta }[],
    occurredAt = this.now,
  ): void {
    const { previous, next } = transition;
    assertInvariant(next.version === (previous?.version ?? 0) + 1, 'reservation versions have a gap');
    const missing = pools.filter((change) => !this.#pools.has(poolKey(change.sku, change.warehouse)));
    if (missing.length > 0) {
      throw new MissingRows(
        [next.reservationId],
        missing.map((change) => change.sku),
      );
    }
    for (const change of pools) this.#applyPool(change, transition, occurredAt);
    this.#reservations.set(next.reservationId, next);
    this.#byTracking.set(next.trackingId, next.reservationId);
    if (previous === null) this.exchanges.open(next.exchangeId, next.reservationId);
    this.#orderLines.move(previous, next);
    this.#liveCounts.move(previous, next);
    this.transitions.push(transition);
  }

  /** Records a physical change that no reservation caused. The pool must be in the set. */
  move(level: StockLevel, kind: MovementKind, cause: Cause, occurredAt = this.now): void {
    const key = poolKey(level.sku, level.warehouse);
    const before = this.#pools.get(key);
    assertInvariant(before !== undefined, 'a moved pool must be locked');
    this.#pools.set(key, level);
    this.movements.push({
      sku: level.sku,
      warehouse: level.warehouse,
      kind,
      onHandDelta: level.onHand - before.onHand,
      unavailableDelta: level.unavailable - before.unavailable,
      committedDelta: level.committed - before.committed,
      occurredAt,
      reservationId: null,
      cause,
    });
  }

  putItem(item: Item): void {
    this.putItems.set(item.sku, item);
  }

  putWarehouse(warehouse: Warehouse): void {
    this.#warehouses.set(warehouse.code, warehouse);
    this.putWarehouses.set(warehouse.code, warehouse);
  }

  /** Pools that differ from what was loaded, with their loaded form; versions are raised by one here. */
  changedPools(): { readonly before: StockLevel; readonly after: StockLevel }[] {
    const changed: { before: StockLevel; after: StockLevel }[] = [];
    for (const [key, after] of this.#pools) {
      const before = this.#loadedPools.get(key);
      if (before === undefined || before === after) continue;
      changed.push({ before, after: { ...after, version: before.version + 1, changedAt: this.now } });
    }
    return changed;
  }

  changedOrderLines(): OrderLineUse[] {
    return this.#orderLines.changed();
  }

  /** The first known number of bought units stands. */
  setPurchased(orderId: string, orderLineId: string, purchased: number): void {
    this.#orderLines.setPurchased(orderId, orderLineId, purchased);
  }

  #applyPool(change: PoolRef & { delta: StockDelta }, transition: RecordedTransition, occurredAt: number): void {
    const key = poolKey(change.sku, change.warehouse);
    const level = this.#pools.get(key);
    assertInvariant(level !== undefined, 'a changed pool must be locked');
    const isShort = transition.kind === 'short';
    const delta = uncountedDelta(level, change.delta, occurredAt);
    // What a picker misses may be gone from the count already; no count falls below zero.
    const onHandDelta = isShort ? Math.max(delta.onHand ?? 0, -level.onHand) : (delta.onHand ?? 0);
    this.#pools.set(key, applyDelta(level, { ...delta, onHand: onHandDelta }));
    if (onHandDelta === 0) return;
    this.movements.push({
      sku: change.sku,
      warehouse: change.warehouse,
      kind: isShort ? 'SHORT_PICKED' : 'SHIPPED',
      onHandDelta,
      unavailableDelta: 0,
      committedDelta: 0,
      occurredAt,
      reservationId: transition.next.reservationId,
      cause: transition.cause,
    });
  }
}
