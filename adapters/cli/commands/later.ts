import type { Command } from 'commander';
import { CommandFailure } from '../failures.ts';

/** Commands of the contract that a later version brings. They exist, so that a script gets a clear answer. */
export function addLaterCommands(program: Command, wms: Command): void {
  const dlq = program.command('dlq').description('parked messages: list and replay');
  addLater(wms, 'reconcile', 'compare with the warehouse');
  addLater(dlq, 'list', 'list parked messages');
  addLater(dlq, 'replay', 'handle parked messages again');
}

function addLater(group: Command, name: string, description: string): void {
  group
    .command(name)
    .description(`${description} (not available in this version)`)
    .argument('[arguments...]')
    .allowUnknownOption()
    .action(() => {
      const path = group.parent === null ? name : `${group.name()} ${name}`;
      throw new CommandFailure(`"earmark ${path}" is not available in this version.`);
    });
}
