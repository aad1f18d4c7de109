import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** What `observed-process.ts` reported, and all it wrote. */
export interface ObservedRun {
  readonly traceId: string;
  readonly followerTraceIds: readonly string[];
  readonly contentType: string;
  readonly metrics: string;
  readonly isShutDown: boolean;
  readonly shutdownMs: number;
  readonly standardOutput: string;
  readonly standardError: string;
}

const RUN_TIMEOUT_MS = 30_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the observed process to its end in an environment of only these variables. @throws Error when it fails */
export async function runObserved(env: Record<string, string>): Promise<ObservedRun> {
  const child = spawn(process.execPath, ['--import', './src/telemetry.ts', 'test/support/observed-process.ts'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const [standardOutput, standardError, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  if (code !== 0) throw new Error(`The observed process ended with ${code}: ${standardError}`);
  return { ...JSON.parse(standardOutput), standardOutput, standardError };
}
