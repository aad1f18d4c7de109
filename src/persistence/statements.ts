import type { PoolClient, QueryResult, QueryResultRow } from 'pg';

/** A prepared statement with its values. The text is fixed, so that PostgreSQL plans it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
  /** How long its answer is waited for, in milliseconds, where that is not what others may take. */
  readonly query_timeout?: number;
}

/** Sends statements without waiting between them and answers their results; the first error is thrown at the end. */
export async function pipeline(client: PoolClient, statements: readonly Statement[]): Promise<QueryResult[]> {
  const settled = await Promise.allSettled(statements.map((statement) => client.query(statement)));
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** The rows of one result, typed by the caller who wrote the statement. */
export function rowsOf<T extends QueryResultRow>(result: QueryResult | undefined): T[] {
  return (result?.rows ?? []) as T[];
}

/** Milliseconds since the Unix epoch of a timestamptz column, as a number in the row. */
export function millis(column: string): string {
  return `floor(extract(epoch from ${column}) * 1000)::float8`;
}

/** A timestamptz from a parameter of milliseconds since the Unix epoch. */
export function instant(parameter: string): string {
  return `to_timestamp(${parameter} / 1000.0)`;
}

/** The one clock that deadlines are held against, read once per statement so that indexes on deadlines serve it. */
export const NOW = '(select ledger_now())';
