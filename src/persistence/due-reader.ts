import type { Pool } from 'pg';
import type { DueReader } from '../ports.ts';
import { millis } from './statements.ts';

/** Reads deadlines by the database's clock, the only clock that frees stock. */
export function createDueReader(pool: Pool): DueReader {
  return {
    async dueReservations(limit) {
      const result = await pool.query<{ reservation_id: string }>({
        name: 'due-reservations',
        text: `select reservation_id from reservation
          where state in ('RESERVED', 'WAITLISTED') and expire_time <= statement_timestamp() order by expire_time limit $1::int`,
        values: [limit],
      });
      return result.rows.map((row) => row.reservation_id);
    },
    async overdueReservations(limit) {
      const result = await pool.query<{ reservation_id: string }>({
        name: 'overdue-reservations',
        text: `select reservation_id from reservation
          where state in ('PREPARING', 'READY') and not overdue_flagged and expire_time <= statement_timestamp()
          order by expire_time limit $1::int`,
        values: [limit],
      });
      return result.rows.map((row) => row.reservation_id);
    },
    async nextDeadlineInMs() {
      const result = await pool.query<{ next: number | null; now: number }>({
        name: 'next-deadline',
        text: `select ${millis('clock_timestamp()')} as now, ${millis(`least(
            (select min(expire_time) from reservation where state in ('RESERVED', 'WAITLISTED')),
            (select min(expire_time) from reservation where state in ('PREPARING', 'READY') and not overdue_flagged))`)}
          as next`,
      });
      const [row] = result.rows;
      return row === undefined || row.next === null ? null : row.next - row.now;
    },
  };
}
