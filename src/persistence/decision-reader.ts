import type { Pool } from 'pg';
import type { ToldChange } from '../domain/cure-explanation.ts';
import type { DecisionReader } from '../ports/decision-reader.ts';
import { readEventBody } from './event-body.ts';
import { bodyText } from './statements.ts';

/** Events of one reservation that an explanation looks at; later shortages are told by the audit log alone. */
const EVENTS_EXPLAINED_MAX = 200;

export function createDecisionReader(pool: Pool): DecisionReader {
  return {
    async ofReservation(reservationId) {
      const result = await pool.query<{ body: string }>({
        name: 'read-explained-events',
        text: `select ${bodyText('body')} as body from audit_event where reservation_id = $1::uuid
          and version <= ${EVENTS_EXPLAINED_MAX} order by version`,
        values: [reservationId],
      });
      const changes: ToldChange[] = [];
      for (const row of result.rows) {
        const body = readEventBody(row.body);
        // Behind an event that cannot be read nobody knows what the next one changed.
        if (body === null || body.after === null) break;
        const { facts, after, seen, asked } = body;
        changes.push({ kind: facts.kind, reason: facts.reason, after, seen, asked });
      }
      return changes;
    },
  };
}
