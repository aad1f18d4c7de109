#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { readCliEnvironment } from './environment.ts';
import { runCommandLine } from './run-command-line.ts';
import { openTerminal } from './terminal.ts';

const interruption = new AbortController();
process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: openTerminal(process.stdout, process.stderr, () => interruption.abort()),
  environment: readCliEnvironment(process.env),
  newId: () => randomUUID(),
  clock: { now: () => Date.now() },
  interruption,
});
