import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CommandFailure } from './failures.ts';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/** What a shell reports for a program that a signal ended: this plus the signal's number. */
const SIGNAL_STATUS_BASE = 128;

/**
 * Runs a program of the product under this Node with our own input and output, and passes signals on until it ends.
 * @param args for Node
 * @throws CommandFailure with the program's exit status, unless that is 0; the program has told why
 */
export async function runProgram(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(code ?? SIGNAL_STATUS_BASE + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  for (const signal of FORWARDED) process.off(signal, forward);
  if (status !== 0) throw new CommandFailure('', status);
}
