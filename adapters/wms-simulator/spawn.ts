import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BEHAVIOUR, type SimulatorSettings } from './settings.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** Longer than a busy machine takes to load it. */
const START_TIMEOUT_MS = 45_000;
const STOP_TIMEOUT_MS = 8_000;

export type SimulatorOptions = Pick<SimulatorSettings, 'natsUrl' | 'wms' | 'dataDir'> &
  Partial<SimulatorSettings> & {
    /** Arguments for Node itself, such as `--import` of a tracing set-up; those of this process when absent. */
    readonly execArgv?: readonly string[];
  };

export interface SimulatorProcess {
  readonly pid: number;
  /** Settles when the process has ended for whatever reason; never rejects. */
  readonly exited: Promise<void>;
  /** Ends it cleanly, by force after a deadline. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a simulated warehouse as a process of its own, which ends with this one.
 * @throws Error where it does not start in time
 */
export async function startSimulator({ execArgv, ...options }: SimulatorOptions): Promise<SimulatorProcess> {
  const nodeOptions = execArgv === undefined ? {} : { execArgv: [...execArgv] };
  const child = fork(MAIN, [], { ...nodeOptions, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const settings: SimulatorSettings = { ...DEFAULT_BEHAVIOUR, ...options };
  child.send(settings, () => undefined);
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  const started = once(child, 'message', { signal: timeout }).then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([started, exited.then(() => false)])) || child.pid === undefined) {
    child.kill('SIGKILL');
    throw new Error(`The simulated warehouse ${options.wms} did not start.`);
  }
  // Neither the channel nor the child keeps this process alive; its end is the child's signal to end.
  child.channel?.unref();
  child.unref();
  return {
    pid: child.pid,
    exited,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
