import type { Claim, Command, TrackedItem } from '../ports.ts';
import { NOTIFICATION_COLUMNS } from './notifications.ts';
import { ALLOCATION_COLUMNS, POOL_COLUMNS, RESERVATION_COLUMNS } from './rows.ts';
import { NOW, type Statement } from './statements.ts';

/**
 * Every row lock of the service, in the one order all units take them: request ids, rules, exchanges, order lines,
 * customers, retracked items, pools, reservations, notifications; each kind sorted. Rows that may be missing are created
 * first, since what is not there cannot be locked.
 */

export interface OrderLineRef {
  readonly orderId: string;
  readonly orderLineId: string;
}

export interface ExchangeRef {
  readonly exchangeId: string;
  /** The reservation a Reserve would make; null where an exchange is only looked up. */
  readonly newReservationId: string | null;
}

/** Everything one unit locks. */
export interface LockSet {
  /** Whether a command may make a new version of the rules. */
  readonly newRules: boolean;
  readonly exchanges: readonly ExchangeRef[];
  readonly orderLines: readonly OrderLineRef[];
  readonly customers: readonly string[];
  readonly skus: readonly string[];
  /**
   * SKUs and orders the commands themselves are about: what is past its deadline on them is expired first. Pools that
   * are locked only to expire such a reservation are not looked through in turn, or one unit could drag in the next.
   */
  readonly wantedSkus: readonly string[];
  readonly wantedOrderIds: readonly string[];
  /** Items that are put; those of which it changes the tracking are locked. */
  readonly putItems: readonly TrackedItem[];
  readonly newPools: readonly { readonly sku: string; readonly warehouse: string }[];
  readonly reservationIds: readonly string[];
  /** Whether the milestones of the reservations are read. */
  readonly milestones: boolean;
  readonly notificationIds: readonly string[];
}

/** Claims request ids; returns the ones that were there before. */
export function claimRequests(commands: readonly (Command & { claim: Claim })[]): Statement {
  const sorted = [...commands].sort((a, b) => compare(claimKey(a), claimKey(b)));
  return {
    name: 'claim-requests',
    text: `with claimed as (
        insert into request_claim (principal, method, request_id, content_hash, reservation_id, reservation_version)
        select principal, method, request_id, content_hash, reservation_id, case when reservation_id is null then null else 1 end
        from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::uuid[])
          as claim (principal, method, request_id, content_hash, reservation_id)
        on conflict do nothing
        returning principal, method, request_id)
      select wanted.* from unnest($1::text[], $2::text[], $3::text[]) as wanted (principal, method, request_id)
      where (select count(*) from claimed) < cardinality($3::text[]) and not exists (select 1 from claimed
        where claimed.principal = wanted.principal and claimed.method = wanted.method
          and claimed.request_id = wanted.request_id)`,
    values: [
      sorted.map((command) => command.caller.principal),
      sorted.map((command) => command.claim.method),
      sorted.map((command) => command.claim.requestId),
      sorted.map((command) => Buffer.from(command.claim.contentHash)),
      sorted.map((command) => command.claim.newReservationId ?? null),
    ],
  };
}

export function claimKey(command: Command): string {
  return command.claim === null
    ? ''
    : `${command.caller.principal}\u0000${command.claim.method}\u0000${command.claim.requestId}`;
}

/**
 * Lets one unit at a time make rules. The lock is on the first version, which is always there; on the newest, the next
 * would be another row and no lock. The newest is read by a later statement, which sees what is committed.
 */
export function lockRules(): Statement[] {
  return [
    { name: 'lock-rules', text: 'select 1 from rule_version where version = 1 for no key update', values: [] },
    { name: 'read-newest-rules', text: 'select max(version)::float8 as version from rule_version', values: [] },
  ];
}

/** Locks exchanges, creating the missing ones; returns those that were there. */
export function lockExchanges(exchanges: readonly ExchangeRef[]): Statement {
  const sorted = [...exchanges].sort((a, b) => compare(a.exchangeId, b.exchangeId));
  return {
    name: 'lock-exchanges',
    text: `with locked as (
        insert into exchange as e (exchange_id, reservation_id)
        select * from unnest($1::text[], $2::uuid[])
        on conflict (exchange_id) do update set closed_by = e.closed_by
        returning exchange_id, reservation_id, closed_by, xmax = 0 as created)
      select exchange_id, reservation_id, closed_by from locked where not created`,
    values: [sorted.map((one) => one.exchangeId), sorted.map((one) => one.newReservationId)],
  };
}

/** Locks order lines, creating the missing ones; `created` tells which. */
export function lockOrderLines(orderLines: readonly OrderLineRef[]): Statement {
  const sorted = [...orderLines].sort((a, b) => compare(a.orderId, b.orderId) || compare(a.orderLineId, b.orderLineId));
  return {
    name: 'lock-order-lines',
    text: `insert into order_line as o (order_id, order_line_id)
      select * from unnest($1::text[], $2::text[])
      on conflict (order_id, order_line_id) do update set purchased = o.purchased
      returning order_id, order_line_id, purchased, exchanged, xmax = 0 as created`,
    values: [sorted.map((one) => one.orderId), sorted.map((one) => one.orderLineId)],
  };
}

/**
 * Locks customers, creating the missing ones, and counts the live reservations of each. Only one unit at a time adds to
 * those of a customer; what is past its deadline no longer counts. `created` tells whom nobody had counted before.
 */
export function lockCustomers(customers: readonly string[]): Statement[] {
  const values = [[...customers].sort(compare)];
  return [
    {
      name: 'lock-customers',
      text: `insert into customer as c (customer_ref) select * from unnest($1::text[])
        on conflict (customer_ref) do update set customer_ref = c.customer_ref
        returning customer_ref, xmax = 0 as created`,
      values,
    },
    {
      name: 'count-live',
      text: `select wanted.customer_ref, (select count(*)::int from reservation r
          where r.customer_ref = wanted.customer_ref and r.customer_ref <> '' and r.resolve_time is null
            and not (r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW})) as live
        from unnest($1::text[]) as wanted (customer_ref)`,
      values,
    },
  ];
}

/**
 * Locks items of which the tracking is about to change. A pool refers to its item, so none is made of them meanwhile, and
 * those that are there are locked next.
 */
export function lockRetracked(items: readonly TrackedItem[]): Statement {
  return {
    name: 'lock-retracked',
    text: `select 1 from unnest($1::text[], $2::text[]) as w (sku, tracking)
      join item i on i.sku = w.sku and i.tracking <> w.tracking order by i.sku for update of i`,
    values: [items.map((item) => item.sku), items.map((item) => item.tracking)],
  };
}

/** Creates pools that are missing, where both the item and the warehouse exist. */
export function createPools(pools: LockSet['newPools']): Statement {
  return {
    name: 'create-pools',
    text: `insert into stock_pool (sku, warehouse)
      select wanted.sku, wanted.warehouse from unnest($1::text[], $2::text[]) as wanted (sku, warehouse)
      join item on item.sku = wanted.sku join warehouse on warehouse.code = wanted.warehouse
      order by wanted.sku, wanted.warehouse
      on conflict do nothing`,
    values: [pools.map((pool) => pool.sku), pools.map((pool) => pool.warehouse)],
  };
}

export function lockPools(skus: readonly string[]): Statement {
  return {
    name: 'lock-pools',
    text: `select ${POOL_COLUMNS} from stock_pool p where p.sku = any($1::text[])
      order by p.sku, p.warehouse for no key update`,
    values: [skus],
  };
}

/** Which of the SKUs nobody holds at this instant; takes their locks only for the length of this statement. */
export function readUnlockedSkus(skus: readonly string[]): Statement {
  return {
    name: 'read-unlocked-skus',
    text: `select p.sku, count(*)::int as free, (select count(*)::int from stock_pool o where o.sku = p.sku) as pools
      from (select sku from stock_pool where sku = any($1::text[]) for no key update skip locked) p group by p.sku`,
    values: [skus],
  };
}

/** Locks reservations; their allocations and last hashes are read by later statements, which see what is committed. */
export function lockReservations(ids: readonly string[]): Statement[] {
  const values = [ids];
  return [
    {
      name: 'lock-reservations',
      text: `select ${RESERVATION_COLUMNS} from reservation r where r.reservation_id = any($1::uuid[])
        order by r.reservation_id for no key update`,
      values,
    },
    {
      name: 'read-allocations',
      text: `select ${ALLOCATION_COLUMNS} from allocation a where a.reservation_id = any($1::uuid[])
        order by a.reservation_id, a.line_number, a.warehouse`,
      values,
    },
    {
      name: 'read-last-hashes',
      text: `select distinct on (reservation_id) reservation_id, hash from audit_event
        where reservation_id = any($1::uuid[]) order by reservation_id, version desc`,
      values,
    },
  ];
}

/** Locks notifications that are to be acknowledged, after everything else. */
export function lockNotifications(ids: readonly string[]): Statement {
  return {
    name: 'lock-notifications',
    text: `select ${NOTIFICATION_COLUMNS} from notification n join reservation r using (reservation_id)
      where n.notification_id = any($1::uuid[]) order by n.notification_id for no key update of n`,
    values: [ids],
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
