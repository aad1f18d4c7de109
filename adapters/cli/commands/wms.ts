import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { runProgram } from '../run-program.ts';

const SIMULATOR = fileURLToPath(new URL('../../wms-simulator/main.ts', import.meta.url));

const FLAGS = `
Flags of the simulated warehouse:
  --wms NAME          the warehouse system it plays, for example sim; required
  --data-dir DIR      where it keeps its picture of stock; required
  --nats-url URL      default nats://127.0.0.1:4222
  --start-delay-ms N  --pick-delay-ms N  --ship-delay-ms N
  --duplicate --lose --disorder --short --wrong-count --silent
                      what it does wrong, at --rate 0 to 1, by --seed TEXT

A service started with its sample catalogue runs one for "sim" by itself.`;

/** @returns the group, for the commands of it that stand elsewhere */
export function addWmsCommands(program: Command): Command {
  const wms = program.command('wms').description('the warehouse side');
  wms
    .command('simulate')
    .description('run a simulated warehouse that picks and ships what is reserved')
    .argument('[flags...]', 'see below')
    .allowUnknownOption()
    .addHelpText('after', FLAGS)
    .action((flags: string[]) => runProgram([SIMULATOR, ...flags]));
  return wms;
}
