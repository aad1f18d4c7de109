import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { classifyFailure } from '../failures.ts';
import { pipeline, rowsOf, type Statement } from '../statements.ts';
import type { DriftList } from './drift-list.ts';

/** How long one statement of an audit may take, in milliseconds: a pool may have very many allocations. */
const AUDIT_STATEMENT_MAX_MS = 60_000;

/** How long the answer to such a statement is waited for, in milliseconds. */
const AUDIT_ANSWER_MAX_MS = AUDIT_STATEMENT_MAX_MS + 5_000;

/** What the parts of an audit share. */
export interface AuditRun {
  readonly pool: Pool;
  /** Rows of the walked table per chunk. */
  readonly chunkSize: number;
  readonly signal: AbortSignal | undefined;
  readonly drifts: DriftList;
}

export type Query = <T extends QueryResultRow>(statement: Statement) => Promise<T[]>;

const BEGIN: Statement[] = [
  { name: 'audit-begin', text: 'begin isolation level repeatable read read only', values: [] },
  { name: 'audit-timeout', text: `set local statement_timeout = ${AUDIT_STATEMENT_MAX_MS}`, values: [] },
];

/**
 * Runs the reads of one chunk on one snapshot, so that a commit in between is seen by all of them or by none.
 * @throws the signal's reason where it was aborted before
 */
export async function onSnapshot<R>(run: AuditRun, read: (query: Query) => Promise<R>): Promise<R> {
  run.signal?.throwIfAborted();
  const client = await run.pool.connect();
  try {
    await pipeline(client, 'begin audit', BEGIN);
    const result = await read(async (statement) =>
      rowsOf((await pipeline(client, 'audit', [{ ...statement, query_timeout: AUDIT_ANSWER_MAX_MS }]))[0]),
    );
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    await abandon(client, error);
    throw error;
  }
}

/** A connection that was lost is not given back. */
async function abandon(client: PoolClient, error: unknown): Promise<void> {
  await client.query('rollback').catch(() => undefined);
  client.release(classifyFailure(error) === 'connection');
}
