import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BEHAVIOUR, type SimulatorSettings } from '../../adapters/wms-simulator/settings.ts';

const MAIN = fileURLToPath(new URL('../../adapters/wms-simulator/main.ts', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 8_000;

export interface KillableSimulator {
  readonly pid: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** A simulated warehouse whose complaints about a broken world are nobody's to read, and which may be killed. */
export async function startKillableSimulator(
  settings: Pick<SimulatorSettings, 'natsUrl' | 'wms' | 'dataDir'> & Partial<SimulatorSettings>,
): Promise<KillableSimulator> {
  const child = fork(MAIN, [], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.send({ ...DEFAULT_BEHAVIOUR, ...settings });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(force);
  };
  const started = once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
  await Promise.race([started, exited.then(() => Promise.reject(new Error('the simulated warehouse ended')))]);
  return { pid: child.pid ?? 0, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
