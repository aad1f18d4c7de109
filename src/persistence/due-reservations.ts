import { NOW } from './statements.ts';

/** Due reservations that are counted; where more of them wait for their sweep, the oldest are. */
const DUE_COUNTED_MAX = 10_000;

/** Whether the reservation `r` is past its deadline, so that the clock has freed what it holds. */
export const IS_DUE = `r.state in ('RESERVED', 'WAITLISTED') and r.expire_time <= ${NOW}`;

/** Those of the whole service, normally none; by their deadlines, so that an index has them. */
export const DUE_RESERVATIONS = `due as materialized (
  select r.reservation_id from reservation r where ${IS_DUE} order by r.expire_time limit ${DUE_COUNTED_MAX})`;
