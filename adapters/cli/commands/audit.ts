import type { Command } from 'commander';
import { type VerifyLedgerResponse, VerifyLedgerResponseSchema } from '../../../src/gen/earmark/v1/audit_service_pb.ts';
import { type CheckpointChoice, parseCheckpoint } from '../arguments.ts';
import { CommandFailure } from '../failures.ts';
import { answer, LONG_CALL_TIMEOUT_MS, type OpenSession } from '../session.ts';
import { printable } from '../table.ts';
import { addAuditExport } from './audit-export.ts';

export function addAuditCommands(program: Command, open: OpenSession): void {
  const audit = program.command('audit').description('the evidence: export and verify');
  addAuditExport(audit, open);
  audit
    .command('verify')
    .description('recompute every counter from its evidence; exit status 1 if any number drifts')
    .option('--checkpoint <checkpoint>', 'also hold against this earlier SIZE:ROOT; repeatable', collect, [])
    .action(async ({ checkpoint }: { readonly checkpoint: readonly CheckpointChoice[] }) => {
      const session = open();
      const request = { knownCheckpoints: [...checkpoint] };
      const report = await session.audit.verifyLedger(request, { timeoutMs: LONG_CALL_TIMEOUT_MS });
      await answer(session, VerifyLedgerResponseSchema, report, () => formatReport(report));
      if (report.drifts.length > 0) throw new CommandFailure('The numbers do not agree with their evidence.');
    });
}

function collect(text: string, known: readonly CheckpointChoice[]): CheckpointChoice[] {
  return [...known, parseCheckpoint(text)];
}

/** What was checked, then each difference, then the verdict. */
export function formatReport(report: VerifyLedgerResponse): string {
  const count = (name: string, number: bigint) => `${name.padEnd(14)}${number} checked`;
  const drifts = report.drifts.map((drift) => {
    const where = [drift.sku, drift.warehouse, drift.trackingId, drift.eventId].filter((part) => part !== '').join(' ');
    const detail = drift.detail === '' ? '' : ` · ${drift.detail}`;
    return printable(`drift ${drift.kind} ${where}: expected ${drift.expected}, found ${drift.actual}${detail}`);
  });
  return [
    count('reservations', report.reservationsChecked),
    count('pools', report.poolsChecked),
    count('events', report.eventsChecked),
    formatCheckpoint(report),
    ...drifts,
    report.drifts.length === 0 ? 'zero drift' : `${report.drifts.length} drifts`,
  ].join('\n');
}

function formatCheckpoint({ checkpoint, eventsUncovered }: VerifyLedgerResponse): string {
  if (checkpoint === undefined) return 'checkpoint    none yet';
  const { size, root } = checkpoint;
  return `checkpoint    ${size}:${Buffer.from(root).toString('hex')} · ${eventsUncovered} events not yet covered`;
}
