import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { runProgram } from '../run-program.ts';

const TELEMETRY_MODULE = new URL('../../../src/telemetry.ts', import.meta.url);
const MAIN_MODULE = new URL('../../../src/main.ts', import.meta.url);

export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('run the service here, as npm start does; its data lie in EARMARK_DATA_DIR')
    .action(() =>
      runProgram(['--max-semi-space-size=64', '--import', TELEMETRY_MODULE.href, fileURLToPath(MAIN_MODULE)]),
    );
}
