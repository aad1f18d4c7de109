import type { Pool } from 'pg';
import type { LedgerAuditor, LedgerCounts } from '../ports/ledger-auditor.ts';
import { auditCheckpoints, readLastCheckpoint } from './ledger/checkpoint-audit.ts';
import { DriftList } from './ledger/drift-list.ts';
import { auditNotifications } from './ledger/notification-audit.ts';
import { auditOutbox } from './ledger/outbox-audit.ts';
import { auditPools } from './ledger/pool-audit.ts';
import { auditReferences } from './ledger/reference-audit.ts';
import { auditReservations } from './ledger/reservation-audit.ts';
import { auditStockRules } from './ledger/stock-rule-audit.ts';

/** Pools or reservations read at once: few enough that checking them does not keep calls waiting. */
const CHUNK_SIZE = 1_000;

export interface LedgerAuditorOptions {
  /** Pools or reservations per chunk, 1 or more. */
  readonly chunkSize?: number;
  /** Told after each chunk how far the audit has come. */
  readonly onProgress?: (counts: LedgerCounts) => void;
}

/**
 * Reads the whole ledger and says where it contradicts itself. Writes nothing, locks nothing, and holds one chunk in
 * memory; a commit is seen by a chunk whole or not at all, so load cannot make a false alarm.
 */
export function createLedgerAuditor(pool: Pool, options: LedgerAuditorOptions = {}): LedgerAuditor {
  return {
    verify: async ({ signal, knownCheckpoints = [] } = {}) => {
      const drifts = new DriftList();
      const counts = { reservationsChecked: 0, poolsChecked: 0, eventsChecked: 0 };
      const advance = (more: Partial<LedgerCounts>) => {
        counts.reservationsChecked += more.reservationsChecked ?? 0;
        counts.poolsChecked += more.poolsChecked ?? 0;
        counts.eventsChecked += more.eventsChecked ?? 0;
        options.onProgress?.({ ...counts });
      };
      const run = { pool, chunkSize: options.chunkSize ?? CHUNK_SIZE, signal, drifts, advance };
      const checkpoint = await readLastCheckpoint(run);
      await auditPools(run);
      await auditStockRules(run);
      const eventsUncovered = await auditReservations(run, checkpoint?.coveredUntil ?? 0);
      await auditCheckpoints(run, checkpoint, knownCheckpoints);
      await auditReferences(run);
      await auditNotifications(run);
      await auditOutbox(run);
      return { ...counts, drifts: drifts.found, eventsUncovered, checkpoint };
    },
  };
}
