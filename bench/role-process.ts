import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

const STOP_MAX_MS = 5_000;

/** A process of the benchmark's own that plays one role and talks by messages. */
export interface RoleProcess {
  readonly pid: number;
  /** Sends a message and waits for the answer. @throws Error where the process says so, ends or is late */
  ask<T>(question: object, timeoutMs: number): Promise<T>;
  stop(): Promise<void>;
}

/** Starts a program and waits for its first message. `first` is sent where it needs one to begin. */
export async function startRole<T>(
  program: URL,
  timeoutMs: number,
  first?: object,
): Promise<{ readonly role: RoleProcess; readonly ready: T }> {
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const role: RoleProcess = {
    pid: child.pid ?? 0,
    ask: async (question, answerTimeoutMs) => {
      child.send(question);
      return await nextMessage(child, answerTimeoutMs);
    },
    stop: () => stop(child),
  };
  try {
    if (first !== undefined) child.send(first);
    return { role, ready: await nextMessage<T>(child, timeoutMs) };
  } catch (error) {
    await role.stop();
    throw error;
  }
}

interface FailedMessage {
  readonly kind: 'failed';
  readonly message: string;
}

async function nextMessage<T>(child: ChildProcess, timeoutMs: number): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  const answered = once(child, 'message', { signal }).then(([message]) => message as T | FailedMessage);
  try {
    const message = await Promise.race([answered, ended]);
    if (isFailed(message)) throw new Error(message.message);
    return message;
  } finally {
    over.abort();
    await Promise.allSettled([answered, ended]);
  }
}

function isFailed(message: unknown): message is FailedMessage {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'failed';
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
  await exited;
  clearTimeout(timer);
}
