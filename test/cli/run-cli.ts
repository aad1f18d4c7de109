import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../adapters/cli/earmark.ts', import.meta.url));

/** One command may take this long, in milliseconds. */
const COMMAND_MAX_MS = 60_000;

/** What a command left behind. */
export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON documents, one per line. */
  documents(): Record<string, unknown>[];
}

/** A command that still runs. */
export interface RunningCli {
  /** Settles with the first line of standard output the claim holds for; rejects where the command ends before. */
  line(claim: (line: string) => boolean): Promise<string>;
  interrupt(): void;
  readonly ended: Promise<CliRun>;
}

/** Runs `earmark` as a process of its own, with nothing in its environment but what is given. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_MAX_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of watchers) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr, documents: () => documentsOf(stdout) }));
  });
  const line = (claim: (line: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = stdout.split('\n').slice(0, -1).find(claim);
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
      ended.then(() => reject(new Error(`it ended without that line: ${stdout}${stderr}`)), reject);
    });
  return { line, ended, interrupt: () => void child.kill('SIGINT') };
}

export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliRun> {
  return startCli(args, env).ended;
}

function documentsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
