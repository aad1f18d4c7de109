import { Command } from 'commander';
import { addAuditCommands } from './commands/audit.ts';
import { addAvailabilityCommand } from './commands/availability.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKpisCommand } from './commands/kpis.ts';
import { addLaterCommands } from './commands/later.ts';
import { addListCommand } from './commands/list.ts';
import { addMoveCommands } from './commands/moves.ts';
import { addReserveCommand } from './commands/reserve.ts';
import { addResolutionCommands } from './commands/resolution.ts';
import { addRulesCommands } from './commands/rules.ts';
import { addShowCommand } from './commands/show.ts';
import { addStartCommand } from './commands/start.ts';
import { addStockCommands } from './commands/stock.ts';
import { addWatchCommand } from './commands/watch.ts';
import { addWmsCommands } from './commands/wms.ts';
import { findService, type ServiceAddress } from './environment.ts';
import { UsageError } from './failures.ts';
import { type CliContext, type OpenSession, openSession } from './session.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly url?: string;
}

const EPILOGUE = `
The service is found by --url, else EARMARK_URL, else the process running over EARMARK_DATA_DIR (.earmark),
else http://127.0.0.1:8080.
Exit status: 0 done, 1 refused (the reason is on standard error), 2 wrong usage.
First steps: earmark start · earmark availability · earmark reserve SHOE-RED-42`;

/** The whole command line. Parsing throws: CommanderError for usage and help, else what the command threw. */
export function createProgram(context: CliContext): Command {
  const program = new Command('earmark');
  program
    .description('Holds the replacement item for a customer exchange.')
    .option('--json', 'print answers as JSON, one document per line')
    .option('--url <url>', 'the HTTP port of the service')
    .addHelpText('after', EPILOGUE)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help tells how it is used)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.terminal.write(text),
      writeErr: (text) => context.terminal.writeError(text),
    });
  const open: OpenSession = () => {
    const options = program.opts<GlobalOptions>();
    return openSession(context, serviceOf(context, options), options.json === true);
  };
  addStartCommand(program);
  addReserveCommand(program, open);
  addResolutionCommands(program, open);
  addMoveCommands(program, open);
  addShowCommand(program, open);
  addListCommand(program, open);
  addWatchCommand(program, open);
  addAvailabilityCommand(program, open);
  addStockCommands(program, open);
  addRulesCommands(program, open);
  addAuditCommands(program, open);
  addKpisCommand(program, open);
  addLaterCommands(program, addWmsCommands(program));
  addDoctorCommand(program, open);
  return program;
}

/** @throws UsageError where the address given is none */
export function serviceOf(context: CliContext, options: GlobalOptions): ServiceAddress {
  try {
    return findService(context.environment, options.url);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
