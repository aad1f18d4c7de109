import type { Pool } from 'pg';
import { type ErasableFacts, erasableOf } from '../domain/asked-request.ts';
import type { WorkingSet } from '../domain/working-set.ts';
import { instant, joinJson, jsonArray, type Statement } from './statements.ts';

/** How long the facts that can be erased are kept, in milliseconds: 90 days, as refusals. */
export const FACT_RETENTION_MS = 7_776_000_000;

interface FactRow extends ErasableFacts {
  readonly reservationId: string;
}

/** One row for each reservation whose request told such facts; nothing where none did. */
export function factStatements({ transitions, now }: WorkingSet): Statement[] {
  const rows = transitions.flatMap(({ asked, next }): FactRow[] => {
    const facts = asked === undefined ? null : erasableOf(asked);
    return facts === null ? [] : [{ ...facts, reservationId: next.reservationId }];
  });
  if (rows.length === 0) return [];
  return [
    {
      name: 'insert-request-facts',
      text: `insert into request_fact (reservation_id, attributes, postal_code, create_time)
        select reservation_id, attributes, postal_code, ${instant('$4::float8')}
        from unnest($1::uuid[], ${jsonArray('$2')}, $3::text[]) as f (reservation_id, attributes, postal_code)`,
      values: [
        rows.map((row) => row.reservationId),
        joinJson(rows.map((row) => JSON.stringify(row.attributes))),
        rows.map((row) => row.postalCode),
        now,
      ],
    },
  ];
}

/** Erases facts that are older than this, in milliseconds, at most `limit`. Answers how many. */
export async function pruneFacts(pool: Pool, olderThanMs: number, limit: number): Promise<number> {
  const result = await pool.query({
    name: 'prune-request-facts',
    text: `delete from request_fact where ctid = any(array(select ctid from request_fact
      where create_time < clock_timestamp() - make_interval(secs => $1::float8 / 1000) limit $2::int))`,
    values: [olderThanMs, limit],
  });
  return result.rowCount ?? 0;
}
