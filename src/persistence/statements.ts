import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { runDatabaseTrip } from '../observability/spans.ts';
import { arrayLiteral } from './array-literal.ts';

/** A prepared statement with its values. The text is fixed, so that PostgreSQL plans it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
  /** How long its answer is waited for, in milliseconds, where that is not what others may take. */
  readonly query_timeout?: number;
}

/** The driver's connection, as far as statements that leave in one write need it. */
interface Corked {
  readonly connection?: { readonly stream?: { cork?(): void; uncork?(): void } };
}

/**
 * One round trip: sends statements without waiting between them and answers their results; the first error is thrown
 * at the end.
 * @param trip what the statements are for, as traces name it
 */
export async function pipeline(
  client: PoolClient,
  trip: string,
  statements: readonly Statement[],
): Promise<QueryResult[]> {
  const names = statements.map((statement) => statement.name);
  return await runDatabaseTrip(trip, names, async () => {
    const settled = await Promise.allSettled(sendTogether(client, statements));
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  });
}

/** In one write: one for each statement would wake the server as often, a third of what a unit costs it. */
function sendTogether(client: PoolClient, statements: readonly Statement[]): Promise<QueryResult>[] {
  const stream = (client as Corked).connection?.stream;
  stream?.cork?.();
  try {
    return statements.map((statement) => client.query({ ...statement, values: statement.values.map(toParameter) }));
  } finally {
    stream?.uncork?.();
  }
}

function toParameter(value: unknown): unknown {
  return Array.isArray(value) ? arrayLiteral(value) : value;
}

/** The rows of one result, typed by the caller who wrote the statement. */
export function rowsOf<T extends QueryResultRow>(result: QueryResult | undefined): T[] {
  return (result?.rows ?? []) as T[];
}

/** Stands in no JSON text: every control character is escaped there. */
const BETWEEN_JSON = '\u001e';

/** JSON texts as one parameter for {@link textArray}; as elements of an array each of their quotes would be escaped. */
export function joinJson(texts: readonly string[]): string {
  return texts.join(BETWEEN_JSON);
}

/** The text[] that {@link joinJson} made a parameter of. */
export function textArray(parameter: string): string {
  return `string_to_array(${parameter}::text, E'\\x1e')`;
}

/** The same as json[]. */
export function jsonArray(parameter: string): string {
  return `${textArray(parameter)}::json[]`;
}

/** The canonical bytes of an audit event as text. */
export function bodyText(column: string): string {
  return `convert_from(${column}, 'UTF8')`;
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
