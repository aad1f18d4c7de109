import type { Command } from 'commander';
import { runChecks } from '../doctor/checks.ts';
import { CommandFailure } from '../failures.ts';
import type { OpenSession } from '../session.ts';
import { printable } from '../table.ts';

export function addDoctorCommand(program: Command, open: OpenSession): void {
  program
    .command('doctor')
    .description('check this machine and the service, one line each, with a remedy for what fails')
    .option('--deep', 'also recompute the whole ledger')
    .action(async (options: { readonly deep?: boolean }) => {
      const session = open();
      let failed = 0;
      for await (const finding of runChecks(session, options.deep === true)) {
        if (!finding.isOk) failed += 1;
        const { name, isOk, detail, remedy } = finding;
        const advice = isOk ? '' : `\n${' '.repeat(8)}→ ${remedy}`;
        const text = `${isOk ? 'ok' : 'failed'}`.padEnd(8) + printable(`${name}: ${detail}`) + advice;
        const json = { check: name, ok: isOk, detail, ...(isOk ? {} : { remedy }) };
        await session.terminal.write(`${session.isJson ? JSON.stringify(json) : text}\n`);
      }
      if (failed > 0) throw new CommandFailure(`${failed} of these checks failed.`);
    });
}
