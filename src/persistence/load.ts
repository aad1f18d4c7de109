import type { PoolClient, QueryResult } from 'pg';
import { type OrderLineUse, orderLineKey } from '../domain/eligibility.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { RuleSet } from '../domain/rule-book.ts';
import { poolKey } from '../domain/stock-level.ts';
import type { WaitlistEntry } from '../domain/waitlist.ts';
import type { ExchangeState } from '../domain/working-set.ts';
import { WorkingSet } from '../domain/working-set.ts';
import type { WorkingSetRows } from '../domain/working-set-rows.ts';
import type { Claim, Command } from '../ports.ts';
import type { CatalogCache } from './catalog-cache.ts';
import { nameOfReadDue, readDue } from './due-reservations.ts';
import {
  type MilestoneRow,
  milestonesByReservation,
  readClock,
  readMilestones,
  readMovedSince,
} from './locked-reads.ts';
import {
  claimKey,
  claimRequests,
  createPools,
  type ExchangeRef,
  type LockSet,
  lockCustomers,
  lockExchanges,
  lockNotifications,
  lockOrderLines,
  lockPools,
  lockReservations,
  lockRetracked,
  lockRules,
} from './locks.ts';
import { type NotificationRow, toNotification } from './notifications.ts';
import { loadReported } from './reported-milestones.ts';
import { type AllocationRow, type PoolRow, type ReservationRow, toStockLevel } from './rows.ts';
import { pipeline, rowsOf, type Statement } from './statements.ts';
import { loadUnits } from './unit-rows.ts';
import { loadQueues } from './waitlist-rows.ts';
import { readItemOwners } from './wanted-items.ts';

/** The rows of one unit under lock, ready to be decided on. */
export interface LoadedUnit {
  readonly work: WorkingSet;
  /** What the working set was made of. */
  readonly rows: WorkingSetRows;
  /** The rules have come to limit customers since the locks were planned. */
  readonly isUncounted: boolean;
  /** The transaction's id, or null where it has locked and written nothing so far. */
  readonly xid: string | null;
  /** Keys of the request ids this unit claimed; the others were there before. */
  readonly claimed: ReadonlySet<string>;
  readonly lastHashes: ReadonlyMap<string, Uint8Array>;
  readonly exchanges: ReadonlyMap<string, ExchangeState & { readonly created: boolean }>;
  /** Order lines that were created only to be locked. */
  readonly createdOrderLines: readonly OrderLineUse[];
  /** Customers that were created only to be locked. */
  readonly createdCustomers: readonly string[];
  /** Locked reservations with lines that the plan did not know: they were swapped since it was made. */
  readonly swappedIds: readonly string[];
  /** Whether a locked SKU has got a pool since its pools were locked, which is no longer all of them. */
  readonly hasNewPools: boolean;
  /** Reservations past their deadline on the locked pools. */
  readonly dueIds: readonly string[];
  /** How many due reservations of the whole service were looked at. */
  readonly dueLookedAt: number;
}

/** Locks in the one order and reads everything again, in one round trip. */
export async function lockAndLoad(
  client: PoolClient,
  commands: readonly Command[],
  locks: LockSet,
  dueLookedAt: number,
  cache: CatalogCache,
): Promise<LoadedUnit> {
  const { statements, named } = statementsFor(commands, locks, dueLookedAt);
  const begin: Statement = { name: 'begin', text: 'begin', values: [] };
  const results = await pipeline(client, 'lock and load', [begin, ...statements]);
  const rows = <T extends object>(name: string) =>
    rowsOf<T & Record<string, unknown>>(resultOf(results, named, name)) as T[];
  const [clock] = rows<ClockRow>('read-clock');
  if (clock === undefined) throw new Error('the database has not been migrated');
  const [due] = rows<{ looked_at: number; ids: string[]; queued: string[]; pools: number }>(nameOfReadDue(dueLookedAt));
  const exchanges = statesOf(locks.exchanges, rows<ExchangeRow>('lock-exchanges'));
  const orderLines = rows<OrderLineRow>('lock-order-lines');
  const items = await cache.items(client, clock.catalog_version, locks.skus);
  const waiting = await loadQueues(client, due?.queued ?? []);
  const serial = locks.skus.filter((sku) => items.get(sku)?.tracking === 'SERIAL');
  const stored = {
    reservations: rows<ReservationRow>('lock-reservations'),
    allocations: rows<AllocationRow>('read-allocations'),
  };
  const { units, reservations } = await loadUnits(client, { commands, waiting, ...stored }, serial);
  const ruleSet = await cache.ruleSet(client, clock.rule_version);
  const unitRows: WorkingSetRows = {
    now: clock.now,
    ruleSet,
    earlierRules: await earlierRules(client, commands, { reservations, waiting }, ruleSet, cache),
    newestRules: rows<{ version: number }>('read-newest-rules')[0]?.version ?? null,
    warehouses: await cache.warehouses(client, clock.catalog_version),
    items,
    skusByItemId: skusByItemId(rows<ItemOwnerRow>('read-item-owners')),
    skus: new Set(locks.skus),
    wantedSkus: locks.wantedSkus,
    waiting,
    pools: rows<PoolRow>('lock-pools').map(toStockLevel),
    reservations,
    ...(units !== null && { units }),
    reported: await loadReported(client, commands, { locks, reservations, rules: ruleSet.rules }),
    milestones: locks.milestones ? milestonesByReservation(rows<MilestoneRow>('read-milestones')) : null,
    notifications: rows<NotificationRow>('lock-notifications').map(toNotification),
    exchanges: exchanges.map((row) => (row.created ? { ...row, reservationId: null } : row)),
    orderLines: orderLines.map(toOrderLine),
    liveCounts: liveByCustomer(rows<LiveRow>('count-live')),
    victims: new Map(),
    movedSince: movedByPool(rows<MovedRow>('read-moved-since')),
  };
  const work = new WorkingSet(unitRows);
  return {
    work,
    rows: unitRows,
    isUncounted: isUncounted(work, commands, locks),
    xid: clock.xid,
    claimed: claimedOf(commands, rows<ClaimRow>('claim-requests')),
    lastHashes: new Map(
      rows<{ reservation_id: string; hash: Buffer }>('read-last-hashes').map((row) => [row.reservation_id, row.hash]),
    ),
    exchanges: new Map(exchanges.map((row) => [row.exchangeId, row])),
    createdOrderLines: orderLines.filter((row) => row.created).map(toOrderLine),
    createdCustomers: rows<CustomerRow>('lock-customers').flatMap((row) => (row.created ? [row.customer_ref] : [])),
    swappedIds: swappedSince(locks, reservations),
    hasNewPools: due !== undefined && due.pools !== unitRows.pools.length,
    dueIds: due?.ids ?? [],
    dueLookedAt: due?.looked_at ?? 0,
  };
}

/** A line the plan did not know has a pool or an order line that may not be locked. */
function swappedSince(locks: LockSet, reservations: readonly Reservation[]): string[] {
  if (reservations.length === 0) return [];
  const skus = new Set(locks.skus);
  const orderLines = new Set(locks.orderLines.map((one) => orderLineKey(one.orderId, one.orderLineId)));
  const isLocked = (orderId: string, { sku, orderLineId }: Reservation['lines'][number]) =>
    skus.has(sku) && (orderLineId === '' || orderLines.has(orderLineKey(orderId, orderLineId)));
  return reservations
    .filter(({ orderId, lines }) => !lines.every((line) => isLocked(orderId, line)))
    .map((reservation) => reservation.reservationId);
}

function statementsFor(commands: readonly Command[], locks: LockSet, dueLookedAt: number) {
  const claims = commands.filter((command): command is Command & { claim: Claim } => command.claim !== null);
  const movedSince = commands.flatMap((command) => [...command.needs.movedSince]);
  const itemIds = commands.flatMap(({ needs }) => needs.itemIds ?? []);
  const statements: Statement[] = [
    ...(claims.length > 0 ? [claimRequests(claims)] : []),
    ...(locks.newRules ? lockRules() : []),
    ...(locks.exchanges.length > 0 ? [lockExchanges(locks.exchanges)] : []),
    ...(locks.orderLines.length > 0 ? [lockOrderLines(locks.orderLines)] : []),
    ...(locks.customers.length > 0 ? lockCustomers(locks.customers) : []),
    ...(locks.putItems.length > 0 ? [lockRetracked(locks.putItems)] : []),
    ...(locks.newPools.length > 0 ? [createPools(locks.newPools)] : []),
    ...(locks.skus.length > 0 ? [lockPools(locks.skus)] : []),
    ...(locks.reservationIds.length > 0 ? lockReservations(locks.reservationIds) : []),
    ...(locks.notificationIds.length > 0 ? [lockNotifications(locks.notificationIds)] : []),
    ...(locks.milestones && locks.reservationIds.length > 0 ? [readMilestones(locks.reservationIds)] : []),
    ...(locks.skus.length > 0 ? [readDue(locks, dueLookedAt)] : []),
    ...(movedSince.length > 0 ? [readMovedSince(movedSince)] : []),
    ...(itemIds.length > 0 ? [readItemOwners(itemIds)] : []),
    readClock(),
  ];
  return { statements, named: statements.map((statement) => statement.name) };
}

function isUncounted(work: WorkingSet, commands: readonly Command[], locks: LockSet): boolean {
  if (work.rules.maxLivePerCustomer === 0 || locks.customers.length > 0) return false;
  return commands.some(({ needs }) => needs.customers.length > 0);
}

function resultOf(results: readonly QueryResult[], named: readonly string[], name: string): QueryResult | undefined {
  const at = named.indexOf(name);
  return at < 0 ? undefined : results[at + 1];
}

/** The rules by which the locked reservations were decided, where a command follows them, and those who wait. */
async function earlierRules(
  client: PoolClient,
  commands: readonly Command[],
  {
    reservations,
    waiting,
  }: { readonly reservations: readonly Reservation[]; readonly waiting: readonly WaitlistEntry[] },
  inForce: RuleSet,
  cache: CatalogCache,
): Promise<RuleSet[]> {
  const areFollowed = commands.some(({ needs }) => needs.ownRules);
  const followed = areFollowed ? reservations : reservations.filter(({ state }) => state === 'WAITLISTED');
  if (followed.length === 0 && waiting.length === 0) return [];
  const versions = new Set([...followed, ...waiting].map((one) => one.ruleVersion));
  versions.delete(inForce.rules.version);
  return await cache.ruleSets(client, [...versions]);
}

interface ItemOwnerRow {
  readonly item_id: string;
  readonly sku: string;
}

function skusByItemId(rows: readonly ItemOwnerRow[]): Map<string, string> {
  return new Map(rows.map((row) => [row.item_id, row.sku]));
}

interface LiveRow {
  readonly customer_ref: string;
  readonly live: number;
}

function liveByCustomer(rows: readonly LiveRow[]): Map<string, number> {
  return new Map(rows.map((row) => [row.customer_ref, row.live]));
}

interface ClockRow {
  readonly now: number;
  readonly xid: string | null;
  readonly catalog_version: string;
  readonly rule_version: number;
}

interface ClaimRow {
  readonly principal: string;
  readonly method: string;
  readonly request_id: string;
}

/** Keys of all claims but those that were there before. */
function claimedOf(commands: readonly Command[], before: readonly ClaimRow[]): Set<string> {
  const claimed = new Set(commands.filter((command) => command.claim !== null).map(claimKey));
  for (const row of before) claimed.delete(`${row.principal}\u0000${row.method}\u0000${row.request_id}`);
  return claimed;
}

interface ExchangeRow {
  readonly exchange_id: string;
  readonly reservation_id: string | null;
  readonly closed_by: string | null;
}

/** The exchanges as locked: those that were there, and the others as they were created. */
function statesOf(refs: readonly ExchangeRef[], there: readonly ExchangeRow[]) {
  const known = new Map(there.map((row) => [row.exchange_id, row]));
  return refs.map(({ exchangeId, newReservationId }): ExchangeState & { readonly created: boolean } => {
    const row = known.get(exchangeId);
    return row === undefined
      ? { exchangeId, reservationId: newReservationId, closedBy: null, created: true }
      : { exchangeId, reservationId: row.reservation_id, closedBy: row.closed_by, created: false };
  });
}

interface OrderLineRow {
  readonly order_id: string;
  readonly order_line_id: string;
  readonly purchased: number;
  readonly exchanged: number;
  readonly created: boolean;
}

function toOrderLine(row: OrderLineRow): OrderLineUse {
  return {
    orderId: row.order_id,
    orderLineId: row.order_line_id,
    purchased: row.purchased,
    exchanged: row.exchanged,
  };
}

interface CustomerRow {
  readonly customer_ref: string;
  readonly created: boolean;
}

interface MovedRow {
  readonly sku: string;
  readonly warehouse: string;
  readonly since: number;
  readonly moved: number;
}

function movedByPool(rows: readonly MovedRow[]): Map<string, number> {
  return new Map(rows.map((row) => [`${poolKey(row.sku, row.warehouse)}\u0000${row.since}`, row.moved]));
}
