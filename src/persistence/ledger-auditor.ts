import type { Pool } from 'pg';
import type { LedgerAuditor } from '../ports/ledger-auditor.ts';
import { DriftList } from './ledger/drift-list.ts';
import { auditOutbox } from './ledger/outbox-audit.ts';
import { auditPools } from './ledger/pool-audit.ts';
import { auditReferences } from './ledger/reference-audit.ts';
import { auditReservations } from './ledger/reservation-audit.ts';

/** Pools or reservations on one snapshot: few enough that checking them does not keep calls waiting. */
const CHUNK_SIZE = 500;

/**
 * Reads the whole ledger and says where it contradicts itself. Writes nothing, locks nothing, and holds one chunk in
 * memory; a commit is seen by a chunk whole or not at all, so load cannot make a false alarm.
 * @param options.chunkSize pools or reservations per snapshot, 1 or more
 */
export function createLedgerAuditor(pool: Pool, options: { readonly chunkSize?: number } = {}): LedgerAuditor {
  const chunkSize = options.chunkSize ?? CHUNK_SIZE;
  return {
    verify: async (signal) => {
      const drifts = new DriftList();
      const run = { pool, chunkSize, signal, drifts };
      const poolsChecked = await auditPools(run);
      const { reservations, events } = await auditReservations(run);
      await auditReferences(run);
      await auditOutbox(run);
      return { poolsChecked, reservationsChecked: reservations, eventsChecked: events, drifts: drifts.found };
    },
  };
}
