import { connect } from 'node:net';

/** The INFO line is about 500 bytes; one that is longer is not from a nats-server of ours. */
const MAX_GREETING_BYTES = 64 * 1024;

/**
 * The name a nats-server on 127.0.0.1 gives itself when greeted.
 * @returns undefined when nothing answers within `timeoutMs`, or it is not a nats-server.
 */
export function readNatsServerName(port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received = '';
    const settle = (name: string | undefined) => {
      clearTimeout(overdue);
      socket.destroy();
      resolve(name);
    };
    const overdue = setTimeout(() => settle(undefined), timeoutMs);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.includes('\r\n')) settle(/^INFO .*"server_name":"([^"]*)"/.exec(received)?.[1]);
      else if (received.length > MAX_GREETING_BYTES) settle(undefined);
    });
    socket.on('close', () => settle(undefined));
    socket.on('error', () => settle(undefined));
  });
}
