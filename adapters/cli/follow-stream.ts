import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';

/** What every message of a resumable stream has. */
interface Resumable {
  readonly resumeToken: string;
}

/** The service says something at least every 15 seconds, so this much silence means a broken connection. */
const SILENCE_MAX_MS = 45_000;

/** Reconnections in a row without a single message between them. */
const RECONNECTS_MAX = 5;

/** The wait before the first of them, in milliseconds; doubles with each. */
const RECONNECT_DELAY_MS = 250;

const TRANSIENT: readonly Code[] = [
  Code.Unavailable,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.DataLoss,
  Code.Internal,
];

/**
 * Follows a stream over broken connections, from the last resume token on. Ends when the service ends the stream or
 * the signal is aborted.
 * @throws ConnectError where the first connection fails, the failure is not of the connection, or it lasts
 */
export async function* followStream<Message extends Resumable>(
  open: (resumeToken: string, signal: AbortSignal) => AsyncIterable<Message>,
  stop: AbortSignal,
): AsyncGenerator<Message> {
  let resumeToken = '';
  let failures = 0;
  while (!stop.aborted) {
    try {
      for await (const message of untilSilence((signal) => open(resumeToken, signal), stop)) {
        failures = 0;
        if (message.resumeToken !== '') resumeToken = message.resumeToken;
        yield message;
      }
      return;
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      const isTransient = error instanceof ConnectError && TRANSIENT.includes(error.code);
      if (!isTransient || resumeToken === '' || failures > RECONNECTS_MAX) throw error;
      await sleep(RECONNECT_DELAY_MS * 2 ** (failures - 1), undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

/** Passes messages on and fails with DEADLINE_EXCEEDED once none came for {@link SILENCE_MAX_MS}. */
async function* untilSilence<Message>(
  open: (signal: AbortSignal) => AsyncIterable<Message>,
  stop: AbortSignal,
): AsyncGenerator<Message> {
  const silence = new AbortController();
  const left = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  // Not `for await`: leaving it would wait for the end of the stream, which only the abort below brings about.
  const messages = open(AbortSignal.any([silence.signal, left.signal, stop]))[Symbol.asyncIterator]();
  try {
    for (;;) {
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      const next = await messages.next();
      clearTimeout(timer);
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (!silence.signal.aborted) throw error;
    throw new ConnectError('the service has fallen silent', Code.DeadlineExceeded);
  } finally {
    clearTimeout(timer);
    left.abort();
  }
}
