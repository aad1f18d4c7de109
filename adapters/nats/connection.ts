import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import { pause } from './pause.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_DELAY_MIN_MS = 100;
const RECONNECT_DELAY_MAX_MS = 2_000;
const PING_INTERVAL_MS = 5_000;
const PINGS_OUTSTANDING_MAX = 2;
const CLOSE_DEADLINE_MS = 2_000;

export interface NatsLinkOptions {
  /** `nats://user:password@host:port`, comma separated for a cluster. Never logged. */
  readonly url: string;
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** Called whenever the connection comes up or goes down. */
  readonly onStatus?: (isUp: boolean) => void;
  readonly log?: (message: string) => void;
  /** A number from 0 to below 1, for the spread of reconnections. */
  readonly random: () => number;
}

/** A connection that is made again for ever. While NATS is away it says so, and nothing is thrown. */
export interface NatsLink {
  isUp(): boolean;
  /** The connection while it is up, else null. */
  current(): NatsConnection | null;
  /** Waits for the connection to be up. @throws the signal's reason, or Error once the link is closed */
  connected(signal: AbortSignal): Promise<NatsConnection>;
  /** Ends the connection and every attempt to make one. */
  close(): Promise<void>;
}

/** Starts to connect and answers at once. */
export function connectNats(options: NatsLinkOptions): NatsLink {
  const closing = new AbortController();
  const waiters = new Set<() => void>();
  let connection: NatsConnection | null = null;
  let isUp = false;

  const setUp = (value: boolean) => {
    if (isUp === value) return;
    isUp = value;
    if (!closing.signal.aborted) options.log?.(value ? 'connected to NATS' : 'NATS is away, trying again');
    options.onStatus?.(value);
    if (value) wake(waiters);
  };
  const run = keepConnected(options, closing.signal, {
    opened: (opened) => {
      connection = opened;
      setUp(true);
    },
    changed: setUp,
    lost: () => {
      connection = null;
      setUp(false);
    },
  });

  return {
    isUp: () => isUp,
    current: () => (isUp ? connection : null),
    connected: async (signal) => {
      while (!isUp || connection === null) {
        if (closing.signal.aborted) throw new Error('the NATS link is closed');
        await waitFor(waiters, AbortSignal.any([signal, closing.signal]));
        signal.throwIfAborted();
      }
      return connection;
    },
    close: async () => {
      closing.abort();
      const deadline = sleep(CLOSE_DEADLINE_MS, undefined, { ref: false });
      await Promise.race([connection?.close(), deadline]);
      await Promise.race([run, deadline]);
    },
  };
}

interface LinkEvents {
  opened(connection: NatsConnection): void;
  changed(isUp: boolean): void;
  lost(): void;
}

async function keepConnected(options: NatsLinkOptions, closing: AbortSignal, events: LinkEvents): Promise<void> {
  const nextDelay = backoff(options.random);
  for (let attempt = 0; !closing.aborted; attempt += 1) {
    try {
      const connection = await connect(connectionOptions(options));
      if (closing.aborted) return await connection.close();
      attempt = 0;
      events.opened(connection);
      await followStatus(connection, events);
      await connection.closed();
    } catch {
      await pause(nextDelay(attempt), closing, false);
    }
    events.lost();
  }
}

async function followStatus(connection: NatsConnection, events: LinkEvents): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'staleConnection') events.changed(false);
    if (status.type === 'reconnect') events.changed(true);
  }
}

function connectionOptions({ url, name, random }: NatsLinkOptions): ConnectionOptions {
  const nextDelay = backoff(random);
  let attempts = 0;
  return {
    ...serversOf(url),
    name,
    timeout: CONNECT_TIMEOUT_MS,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => nextDelay(attempts++ % RECONNECT_ATTEMPTS_PER_CYCLE),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUTSTANDING_MAX,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

/** The client does not say when a reconnection worked, so the delay starts small again now and then. */
const RECONNECT_ATTEMPTS_PER_CYCLE = 16;

function backoff(random: () => number): (attempt: number) => number {
  return (attempt) => {
    const ceiling = Math.min(RECONNECT_DELAY_MAX_MS, RECONNECT_DELAY_MIN_MS * 2 ** Math.min(attempt, 10));
    return ceiling / 2 + (random() * ceiling) / 2;
  };
}

/** The client takes no credentials from a URL, so they are passed beside it. */
function serversOf(url: string): Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token'> {
  const parsed = url.split(',').map((one) => new URL(one.trim()));
  const first = parsed[0];
  const servers = parsed.map((one) => `${one.protocol}//${one.host}`);
  if (first === undefined || first.username === '') return { servers };
  const user = decodeURIComponent(first.username);
  if (first.password === '') return { servers, token: user };
  return { servers, user, pass: decodeURIComponent(first.password) };
}

function wake(waiters: Set<() => void>): void {
  for (const waiter of [...waiters]) waiter();
}

/** Resolves when woken or aborted, whichever comes first. */
function waitFor(waiters: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      waiters.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    waiters.add(done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
