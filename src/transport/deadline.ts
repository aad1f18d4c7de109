import { refuse } from '../domain/refusal.ts';
import { type RpcFailure, refusedCall } from './rpc-failure.ts';

/** The time a unary call has when its caller names none, in milliseconds. */
export const DEFAULT_DEADLINE_MS = 10_000;

/** The longest time a unary call has, whatever its caller allows, in milliseconds. */
export const MAX_DEADLINE_MS = 30_000;

/** The longest time a stream may be asked to last, in milliseconds: what a timer can hold and a day's work needs. */
export const MAX_STREAM_DEADLINE_MS = 86_400_000;

/** How long a call may run, and the end of it. */
export interface CallDeadline {
  /** Aborted when the time is over, the caller has gone or the process ends its streams; the reason is the failure. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch, or null for a stream without one. */
  readonly deadlineAt: number | null;
  /** Settles as the work does, unless the signal aborts first. */
  race<T>(work: Promise<T>): Promise<T>;
  abort(failure: RpcFailure): void;
  clear(): void;
}

/**
 * The time a unary call gets, in milliseconds.
 * @param own what the RPC may take where that is not what other calls may
 */
export function unaryTimeoutMs(asked: number | null, own?: number): number {
  return asked === null ? (own ?? DEFAULT_DEADLINE_MS) : Math.min(asked, own ?? MAX_DEADLINE_MS);
}

/** @param callerGone aborted when nobody waits for the answer any more */
export function startDeadline(timeoutMs: number | null, callerGone: AbortSignal, now: number): CallDeadline {
  const controller = new AbortController();
  const { signal } = controller;
  const racing = new Set<(failure: unknown) => void>();
  const abort = (failure: RpcFailure) => {
    controller.abort(failure);
    for (const lose of racing) lose(signal.reason);
  };
  const onGone = () => abort(refusedCall(refuse('CANCELLED', 'the caller went away')));
  const onTimeout = () => abort(refusedCall(refuse('DEADLINE_EXCEEDED', 'the deadline has passed')));
  let timer: NodeJS.Timeout | undefined;
  if (callerGone.aborted) onGone();
  else callerGone.addEventListener('abort', onGone, { once: true });
  if (timeoutMs !== null && timeoutMs <= 0) onTimeout();
  else if (timeoutMs !== null) timer = setTimeout(onTimeout, Math.min(timeoutMs, MAX_STREAM_DEADLINE_MS));
  return {
    signal,
    deadlineAt: timeoutMs === null ? null : now + timeoutMs,
    race: (work) => race(work, signal, racing),
    abort,
    clear: () => {
      clearTimeout(timer);
      callerGone.removeEventListener('abort', onGone);
    },
  };
}

/** A set beside the signal, for to listen to a signal and stop again costs each call more than all else here. */
function race<T>(work: Promise<T>, signal: AbortSignal, racing: Set<(failure: unknown) => void>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    racing.add(reject);
    work.then(
      (value) => {
        racing.delete(reject);
        resolve(value);
      },
      (error: unknown) => {
        racing.delete(reject);
        reject(error);
      },
    );
  });
}
