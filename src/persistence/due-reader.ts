import type { Pool } from 'pg';
import { FIRST_RULES } from '../domain/rules.ts';
import type { DueReader, DueReservation } from '../ports/due-reader.ts';
import { millis, NOW } from './statements.ts';

/** A version that was made before rules spoke of warnings has the one of the first rules. */
const WARNING = `make_interval(secs =>
  coalesce((v.body->>'expiryWarningMs')::float8, ${FIRST_RULES.expiryWarningMs}) / 1000)`;

/** Walks the deadlines within the longest warning of any version, by their index. */
const UNWARNED = `select r.reservation_id from reservation r join rule_version v on v.version = r.rule_version
  where r.state in ('RESERVED', 'WAITLISTED') and r.expire_time > ${NOW}
    and r.expire_time <= ${NOW} + (select max(${WARNING}) from rule_version v)
    and r.expire_time <= ${NOW} + ${WARNING} and r.expire_time - r.create_time > ${WARNING}
    and r.warned_time is distinct from r.expire_time
  order by r.expire_time limit $1::int`;

/** Reads deadlines by the database's clock, the only clock that frees stock. */
export function createDueReader(pool: Pool): DueReader {
  return {
    dueReservations: (limit, passedOver = 0) =>
      readDue(pool, 'due-reservations', `state in ('RESERVED', 'WAITLISTED')`, limit, passedOver),
    overdueReservations: (limit) =>
      readDue(pool, 'overdue-reservations', `state in ('PREPARING', 'READY') and not overdue_flagged`, limit),
    async unwarnedReservations(limit) {
      const result = await pool.query<{ reservation_id: string }>({
        name: 'unwarned-reservations',
        text: UNWARNED,
        values: [limit],
      });
      return result.rows.map((row) => row.reservation_id);
    },
    async nextDeadlineInMs() {
      const result = await pool.query<{ next: number | null; now: number }>({
        name: 'next-deadline',
        text: `select ${millis(NOW)} as now, ${millis(`least(
            (select min(expire_time) from reservation where state in ('RESERVED', 'WAITLISTED')),
            (select min(expire_time) from reservation where state in ('PREPARING', 'READY') and not overdue_flagged))`)}
          as next`,
      });
      const [row] = result.rows;
      return row === undefined || row.next === null ? null : row.next - row.now;
    },
  };
}

async function readDue(
  pool: Pool,
  name: string,
  states: string,
  limit: number,
  passedOver = 0,
): Promise<DueReservation[]> {
  const result = await pool.query<{ reservation_id: string; late_ms: number }>({
    name,
    text: `select reservation_id, ${millis(NOW)} - ${millis('expire_time')} as late_ms from reservation
      where ${states} and expire_time <= ${NOW} order by expire_time limit $1::int offset $2::int`,
    values: [limit, passedOver],
  });
  return result.rows.map((row) => ({ reservationId: row.reservation_id, lateMs: row.late_ms }));
}
