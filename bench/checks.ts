import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { AuditService } from '../src/gen/earmark/v1/audit_service_pb.ts';
import type { ServiceClient } from './service-client.ts';

/** How long the relay may take to publish what one round has left, in milliseconds. */
const DRAIN_MAX_MS = 120_000;
const DRAIN_POLL_MS = 50;

/** The longest time a call may have. */
const VERIFY_MAX_MS = 30_000;

/** Waits until nothing waits to be published. @throws Error after two minutes */
export async function waitUntilPublished(database: pg.Client): Promise<void> {
  const deadline = performance.now() + DRAIN_MAX_MS;
  const query = { name: 'waiting', text: 'select exists (select from outbox where published_time is null) as waiting' };
  while ((await database.query<{ waiting: boolean }>(query)).rows[0]?.waiting === true) {
    if (performance.now() > deadline) throw new Error(`the outbox was not published in ${DRAIN_MAX_MS} ms`);
    await sleep(DRAIN_POLL_MS);
  }
}

export async function countReservations(database: pg.Client): Promise<number> {
  const result = await database.query<{ rows: number }>('select count(*)::int as rows from reservation');
  return result.rows[0]?.rows ?? 0;
}

/** Units the pools of a side say are reserved. */
export async function sumReserved(database: pg.Client, poolTable: 'stock_pool' | 'pool'): Promise<number> {
  const result = await database.query<{ units: number }>(`select sum(reserved)::int as units from ${poolTable}`);
  return result.rows[0]?.units ?? 0;
}

export interface LedgerVerdict {
  readonly reservationsChecked: number;
  readonly poolsChecked: number;
  readonly drifts: number;
}

/** Asks the service to prove its ledger. @throws ServiceError where that takes longer than a call may */
export async function verifyLedger(client: ServiceClient): Promise<LedgerVerdict> {
  const report = await client.call(AuditService.method.verifyLedger, {}, VERIFY_MAX_MS);
  return {
    reservationsChecked: Number(report.reservationsChecked),
    poolsChecked: Number(report.poolsChecked),
    drifts: report.drifts.length,
  };
}
