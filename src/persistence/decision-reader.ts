import type { Pool } from 'pg';
import type { DecisionReader } from '../ports/decision-reader.ts';
import { readEventBody } from './event-body.ts';
import { bodyText } from './statements.ts';

export function createDecisionReader(pool: Pool): DecisionReader {
  return {
    async ofReservation(reservationId) {
      const result = await pool.query<{ body: string }>({
        name: 'read-first-event',
        text: `select ${bodyText('body')} as body from audit_event where reservation_id = $1::uuid and version = 1`,
        values: [reservationId],
      });
      const body = readEventBody(result.rows[0]?.body ?? '');
      if (body === null || body.after === null) return null;
      return { made: body.after, seen: body.seen, asked: body.asked };
    },
  };
}
