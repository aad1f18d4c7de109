import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CommandFailure } from '../failures.ts';

const TELEMETRY_MODULE = new URL('../../../src/telemetry.ts', import.meta.url);
const MAIN_MODULE = new URL('../../../src/main.ts', import.meta.url);
const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/** What a shell reports for a program that a signal ended: this plus the signal's number. */
const SIGNAL_STATUS_BASE = 128;

export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('run the service here, as npm start does; its data lie in EARMARK_DATA_DIR')
    .action(async () => {
      const status = await runService();
      // The service has told on standard error why it ended.
      if (status !== 0) throw new CommandFailure('', status);
    });
}

/** Runs the service with our own input and output, passes signals on and waits for its end. */
function runService(): Promise<number> {
  const args = ['--import', TELEMETRY_MODULE.href, fileURLToPath(MAIN_MODULE)];
  const service = spawn(process.execPath, args, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => void service.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  return new Promise<number>((resolve, reject) => {
    service.once('error', reject);
    service.once('exit', (code, signal) => {
      for (const each of FORWARDED) process.off(each, forward);
      resolve(code ?? SIGNAL_STATUS_BASE + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
