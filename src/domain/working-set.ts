import type { Caller } from './caller.ts';
import { uncountedDelta } from './counting.ts';
import type { OrderLineUse } from './eligibility.ts';
import { ExchangeStates } from './exchange-states.ts';
import type { Item } from './item.ts';
import { LiveCounts } from './live-counts.ts';
import { LockedPools } from './locked-pools.ts';
import { MilestoneLog } from './milestone-log.ts';
import { MissingRows } from './missing-rows.ts';
import { NotificationLog } from './notification-log.ts';
import { OrderLineUses } from './order-line-uses.ts';
import type { Cause, Movement, MovementKind, RecordedTransition } from './recorded-change.ts';
import { assertInvariant } from './refusal.ts';
import { isDue, type Reservation } from './reservation.ts';
import { expire } from './resolution.ts';
import { RuleBook, type RuleSet } from './rule-book.ts';
import type { Rules } from './rules.ts';
import { ShortageBook } from './shortage-book.ts';
import type { Warehouse } from './sourcing.ts';
import { applyDelta, poolKey, SALE_CHANNEL, type StockLevel } from './stock-level.ts';
import { NO_UNITS, StockUnits } from './stock-units.ts';
import type { PoolChange } from './transition.ts';
import { Waitlist } from './waitlist.ts';
import type { WorkingSetRows } from './working-set-rows.ts';

export type { Cause, Movement, MovementKind, RecordedTransition } from './recorded-change.ts';

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

/**
 * The locked rows of one unit of work and everything its commands have decided so far. Each command sees what the
 * earlier ones left. Holds no I/O: the unit of work fills it and writes what it recorded.
 */
export class WorkingSet {
  readonly now: number;
  readonly ruleBook: RuleBook;
  readonly exchanges: ExchangeStates;
  readonly milestones: MilestoneLog;
  readonly notifications: NotificationLog;
  readonly shortages: ShortageBook;
  readonly waitlist: Waitlist;
  readonly units: StockUnits;
  readonly transitions: RecordedTransition[] = [];
  readonly movements: Movement[] = [];
  readonly putItems = new Map<string, Item>();
  readonly putWarehouses = new Map<string, Warehouse>();
  readonly #rows: WorkingSetRows;
  readonly #warehouses: Map<string, Warehouse>;
  readonly #pools: LockedPools;
  readonly #reservations = new Map<string, Reservation>();
  readonly #byTracking = new Map<string, string>();
  readonly #orderLines: OrderLineUses;
  readonly #liveCounts: LiveCounts;

  constructor(rows: WorkingSetRows) {
    this.#rows = rows;
    this.now = rows.now;
    this.ruleBook = new RuleBook(rows.ruleSet, rows.newestRules, rows.earlierRules);
    this.exchanges = new ExchangeStates(rows.exchanges);
    this.milestones = new MilestoneLog(rows.milestones, rows.reported);
    this.notifications = new NotificationLog(rows.notifications);
    this.shortages = new ShortageBook(rows.pools, rows.reservations, rows.victims);
    this.waitlist = new Waitlist(rows.waiting, rows.wantedSkus);
    this.units = new StockUnits(rows.units ?? NO_UNITS);
    this.#warehouses = new Map(rows.warehouses.map((warehouse) => [warehouse.code, warehouse]));
    this.#pools = new LockedPools(rows.pools, rows.ruleSet.rules);
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
    return this.#pools.levels;
  }

  /** Adds the next version of the rules; commands after this one, and the pools, follow it where it holds at once. */
  putRules(set: RuleSet, author: Caller): void {
    this.ruleBook.add(set, author, this.now);
    const before = [...this.pools.values()];
    this.#pools.follow(this.rules);
    for (const level of before) this.#tellQueue(level);
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

  /** The SKU of an item that a command names by its id, or null while there is none. */
  skuOf(itemId: string): string | null {
    const put = [...this.putItems.values()].find((item) => item.itemId === itemId);
    return put?.sku ?? this.#rows.skusByItemId?.get(itemId) ?? null;
  }

  /** Whether units of an item are told apart. @throws MissingRows where they are and were not read */
  isSerial(sku: string): boolean {
    if (this.item(sku)?.tracking !== 'SERIAL') return false;
    if (!this.units.isRead(sku)) throw new MissingRows([], [sku]);
    return true;
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
  record(transition: RecordedTransition, pools: readonly PoolChange[], occurredAt = this.now): void {
    const { previous, next } = transition;
    assertInvariant(next.version === (previous?.version ?? 0) + 1, 'reservation versions have a gap');
    const missing = pools.filter((change) => !this.pools.has(poolKey(change.sku, change.warehouse)));
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
    this.waitlist.move(previous, next);
    this.#liveCounts.move(previous, next);
    this.transitions.push(transition);
  }

  /** Records a physical change that no reservation caused. The pool must be in the set. */
  move(level: StockLevel, kind: MovementKind, cause: Cause, occurredAt = this.now): void {
    const before = this.#pools.get(poolKey(level.sku, level.warehouse));
    assertInvariant(before !== undefined, 'a moved pool must be locked');
    this.#pools.set(level);
    this.#tellQueue(before);
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

  /** Pools that differ from what was loaded, also by the rules alone, with their loaded form; one version higher. */
  changedPools(): { readonly before: StockLevel; readonly after: StockLevel }[] {
    return this.#pools.changed(this.now);
  }

  changedOrderLines(): OrderLineUse[] {
    return this.#orderLines.changed();
  }

  /** The first known number of bought units stands. */
  setPurchased(orderId: string, orderLineId: string, purchased: number): void {
    this.#orderLines.setPurchased(orderId, orderLineId, purchased);
  }

  /** What came free goes to the queue first. */
  #tellQueue(before: StockLevel): void {
    const after = this.#pools.get(poolKey(before.sku, before.warehouse));
    if (after !== undefined) this.waitlist.poolChanged(before, after);
  }

  #applyPool(change: PoolChange, transition: RecordedTransition, occurredAt: number): void {
    const level = this.#pools.get(poolKey(change.sku, change.warehouse));
    assertInvariant(level !== undefined, 'a changed pool must be locked');
    const isShort = transition.kind === 'short';
    const { reserved = 0 } = change.delta;
    const ofSale = transition.next.channel === SALE_CHANNEL ? { saleReserved: reserved } : {};
    const delta = { ...uncountedDelta(level, change.delta, occurredAt), ...ofSale };
    // What a picker misses may be gone from the count already; no count falls below zero.
    const counted = isShort ? Math.max(delta.onHand ?? 0, -level.onHand) : (delta.onHand ?? 0);
    const { unitIds } = change;
    const onHandDelta = unitIds === undefined ? counted : this.units.apply({ ...change, unitIds, delta }, isShort);
    this.#pools.set(applyDelta(level, { ...delta, onHand: onHandDelta }));
    this.#tellQueue(level);
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
