import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { LedgerCounts } from '../../ports/ledger-auditor.ts';
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
  /** Counts what was looked at since the last time. */
  readonly advance: (more: Partial<LedgerCounts>) => void;
}

export type Query = <T extends QueryResultRow>(statement: Statement) => Promise<T[]>;

const TIMEOUT: Statement = {
  name: 'audit-timeout',
  text: `set local statement_timeout = ${AUDIT_STATEMENT_MAX_MS}`,
  values: [],
};

const ONE_SNAPSHOT: Statement[] = [
  { name: 'audit-begin', text: 'begin isolation level repeatable read read only', values: [] },
  TIMEOUT,
];

const SNAPSHOT_EACH: Statement[] = [
  { name: 'audit-begin-statements', text: 'begin isolation level read committed read only', values: [] },
  TIMEOUT,
];

/**
 * Runs the reads of one chunk on one snapshot, so that a commit in between is seen by all of them or by none.
 * @throws the signal's reason where it was aborted before
 */
export function onSnapshot<R>(run: AuditRun, read: (query: Query) => Promise<R>): Promise<R> {
  return reading(run, ONE_SNAPSHOT, read);
}

/**
 * Runs reads that need no common snapshot: each statement sees what is committed when it begins, and keeps no old
 * version of a hot row any longer than it runs.
 * @throws the signal's reason where it was aborted before
 */
export function byStatement<R>(run: AuditRun, read: (query: Query) => Promise<R>): Promise<R> {
  return reading(run, SNAPSHOT_EACH, read);
}

async function reading<R>(run: AuditRun, begin: Statement[], read: (query: Query) => Promise<R>): Promise<R> {
  run.signal?.throwIfAborted();
  const client = await run.pool.connect();
  try {
    await pipeline(client, 'begin audit', begin);
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
