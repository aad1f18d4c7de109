import { ConnectError } from '@connectrpc/connect';
import { CommanderError } from 'commander';
import { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE } from './exit-status.ts';
import { CommandFailure, formatRefusal, toRefusal, UsageError } from './failures.ts';
import { createProgram, type GlobalOptions, serviceOf } from './program.ts';
import type { CliContext } from './session.ts';

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit status: 0 done, 1 refused or failed with the reason on standard error, 2 usage; `start` ends
 * with the status of the service
 */
export async function runCommandLine(args: readonly string[], context: CliContext): Promise<number> {
  const program = createProgram(context);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT_DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE;
    if (context.interruption.signal.aborted) return EXIT_DONE;
    const options = program.opts<GlobalOptions>();
    context.terminal.writeError(tell(error, context, options));
    if (error instanceof CommandFailure) return error.exitStatus;
    return error instanceof UsageError ? EXIT_USAGE : EXIT_REFUSED;
  }
}

function tell(error: unknown, context: CliContext, options: GlobalOptions): string {
  if (error instanceof ConnectError) {
    const refusal = toRefusal(error, serviceOf(context, options).url);
    return options.json === true ? `${JSON.stringify(refusal)}\n` : formatRefusal(refusal);
  }
  if (error instanceof UsageError) return `error: ${error.message}\n`;
  if (error instanceof CommandFailure) return error.message === '' ? '' : `${error.message}\n`;
  return `unexpected failure: ${error instanceof Error ? error.message : String(error)}\n`;
}
