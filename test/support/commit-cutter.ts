import { createConnection, createServer, type Socket } from 'node:net';

/** Where a connection is cut: before the server gets COMMIT, or after it has answered and before the client hears it. */
export type Cut = 'before-commit' | 'after-commit';

/** A relay in front of PostgreSQL that cuts the next connections which commit. */
export interface CommitCutter {
  readonly url: string;
  /** Cuts at the next commit; again for each call. */
  arm(cut: Cut): void;
  /** Commits that were cut so far. */
  cuts(): number;
  close(): Promise<void>;
}

/** Starts a relay in front of the server of a database. */
export async function startCommitCutter(databaseUrl: string): Promise<CommitCutter> {
  const target = new URL(databaseUrl);
  const armed: Cut[] = [];
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = createConnection(Number(target.port), target.hostname);
    let cutting = false;
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
      const cut = bytes.includes('commit\0') ? armed.shift() : undefined;
      if (cut !== undefined) cuts += 1;
      if (cut === 'before-commit') return end();
      cutting ||= cut === 'after-commit';
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!cutting) client.write(bytes);
      else if (bytes.includes('COMMIT\0')) end();
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
    arm: (cut) => armed.push(cut),
    cuts: () => cuts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
