import { createConnection, createServer, type Socket } from 'node:net';

/** `starting`: answers as a server that is not ready yet. `silent`: takes everything and answers nothing. */
export type RelayMode = 'open' | 'starting' | 'silent';

/** A relay in front of PostgreSQL that can behave as if it were in trouble. */
export interface PostgresRelay {
  readonly url: string;
  /** Changes the behaviour towards connections that are open and those to come. */
  become(mode: RelayMode): void;
  /** Connections that were told that the server is starting. */
  turnedAway(): number;
  /** Whether something was sent that is not answered because of `silent`. */
  isKeepingSilent(): boolean;
  close(): Promise<void>;
}

const SQLSTATE_STARTING = '57P03';

export async function startPostgresRelay(databaseUrl: string, first: RelayMode): Promise<PostgresRelay> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let mode = first;
  let turnedAway = 0;
  let unanswered = false;
  const server = createServer((client) => {
    const upstream = createConnection(Number(target.port), target.hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (bytes) => {
      if (mode === 'open') upstream.write(bytes);
      else if (mode === 'silent') unanswered = true;
      else {
        turnedAway += 1;
        client.end(startingError());
      }
    });
    upstream.on('data', (bytes) => {
      if (mode === 'open') client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    become: (next) => {
      mode = next;
    },
    turnedAway: () => turnedAway,
    isKeepingSilent: () => unanswered,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** ErrorResponse: type, length, then fields of a letter and a text each. */
function startingError(): Buffer {
  const fields = ['SFATAL', 'VFATAL', `C${SQLSTATE_STARTING}`, 'Mthe database system is starting up'];
  const body = Buffer.from(`${fields.join('\0')}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
