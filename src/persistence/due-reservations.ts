import type { LockSet } from './locks.ts';
import { NOW, type Statement } from './statements.ts';

/** Due reservations that are counted; where more of them wait for their sweep, the oldest are. */
const DUE_COUNTED_MAX = 10_000;

/** Whether the reservation `r` is past its deadline, so that the clock has freed what it holds. */
export const IS_DUE = `r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW}`;

/** Those of the whole service, normally none; by their deadlines, so that an index has them. */
export const DUE_RESERVATIONS = `due as materialized (
  select r.reservation_id from reservation r where ${IS_DUE} order by r.expire_time limit ${DUE_COUNTED_MAX})`;

/** How many due reservations one unit looks at where it is short; more of them wait for the next unit or the sweep. */
export const DUE_LOOKED_AT_MAX = 1_000;

/** How many it looks at first. */
export const DUE_LOOKED_AT_FIRST_MAX = 64;

/** How many due reservations one unit expires where a command would get less than it asks for without them. */
export const DUE_EXPIRED_MAX = 256;

/** Of the locked SKUs, the statement's third parameter: those that somebody waits for, and how many pools they have by now. */
const QUEUED = `array(select locked.sku from unnest($3::text[]) as locked (sku)
          where exists (select 1 from waitlist w where w.sku = locked.sku)) as queued,
          (select count(*)::int from stock_pool p where p.sku = any($3::text[])) as pools`;

/**
 * Reservations past their deadline on the pools and orders of the commands, oldest first. Looks at so many of
 * the oldest due of the whole service, normally none; 0 looks through the pools themselves, for when very many are due.
 * Tells too for which SKUs somebody waits.
 */
export function readDue(
  { wantedSkus, wantedOrderIds, skus }: Pick<LockSet, 'wantedSkus' | 'wantedOrderIds' | 'skus'>,
  lookedAt: number,
): Statement {
  const due = `r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW}`;
  return lookedAt === 0
    ? {
        name: nameOfReadDue(lookedAt),
        text: `select 0 as looked_at, array(
            select r.reservation_id from reservation r
            where ${due} and (r.order_id = any($2::text[]) or r.reservation_id in (
              select a.reservation_id from allocation a where a.sku = any($1::text[]) and a.reserved > 0))
            order by r.expire_time limit ${DUE_EXPIRED_MAX})::text[] as ids, ${QUEUED}`,
        values: [wantedSkus, wantedOrderIds, skus],
      }
    : {
        name: nameOfReadDue(lookedAt),
        text: `with due as materialized (
            select r.reservation_id, r.order_id from reservation r where ${due} order by r.expire_time limit ${lookedAt})
          select (select count(*)::int from due) as looked_at, array(
            select due.reservation_id from due
            where due.order_id = any($2::text[]) or exists (select 1 from allocation a
              where a.reservation_id = due.reservation_id and a.sku = any($1::text[]) and a.reserved > 0)
            limit ${DUE_EXPIRED_MAX})::text[] as ids, ${QUEUED}`,
        values: [wantedSkus, wantedOrderIds, skus],
      };
}

export function nameOfReadDue(lookedAt: number): string {
  return lookedAt === 0 ? 'read-due-of-pools' : `read-due-of-${lookedAt}`;
}
