import type { Pool } from 'pg';
import type { DueReader, DueReservation } from '../ports/due-reader.ts';
import { millis, NOW } from './statements.ts';

/** Reads deadlines by the database's clock, the only clock that frees stock. */
export function createDueReader(pool: Pool): DueReader {
  return {
    dueReservations: (limit) => readDue(pool, 'due-reservations', `state in ('RESERVED', 'WAITLISTED')`, limit),
    overdueReservations: (limit) =>
      readDue(pool, 'overdue-reservations', `state in ('PREPARING', 'READY') and not overdue_flagged`, limit),
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

async function readDue(pool: Pool, name: string, states: string, limit: number): Promise<DueReservation[]> {
  const result = await pool.query<{ reservation_id: string; late_ms: number }>({
    name,
    text: `select reservation_id, ${millis(NOW)} - ${millis('expire_time')} as late_ms from reservation
      where ${states} and expire_time <= ${NOW} order by expire_time limit $1::int`,
    values: [limit],
  });
  return result.rows.map((row) => ({ reservationId: row.reservation_id, lateMs: row.late_ms }));
}
