import { createServer, type Server, type Socket } from 'node:net';

/** How long a connection may take to send its first bytes, in milliseconds. */
export const FIRST_BYTES_MAX_MS = 10_000;

/** Connections one port accepts at a time. */
export const CONNECTIONS_MAX = 2_000;

const HTTP2_PREFACE = 'PRI';

/** Takes over a connection that has begun to speak. */
export type SpeakingHandler = (socket: Socket, protocol: 'http1' | 'http2') => void;

/** A port whose connections must say which version of HTTP they speak before anything is spent on them. */
export interface SniffingPort {
  readonly server: Server;
  /** Closes the port and drops connections that have said nothing yet. */
  close(closed: () => void): void;
}

export function createSniffingPort(onSpeaking: SpeakingHandler): SniffingPort {
  const silent = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => sniff(socket, silent, onSpeaking));
  server.maxConnections = CONNECTIONS_MAX;
  return {
    server,
    close(closed) {
      server.close(closed);
      for (const socket of silent) socket.destroy();
    },
  };
}

function sniff(socket: Socket, silent: Set<Socket>, onSpeaking: SpeakingHandler): void {
  let received = Buffer.alloc(0);
  const tooSlow = setTimeout(() => socket.destroy(), FIRST_BYTES_MAX_MS);
  const onError = () => socket.destroy();
  const stopWaiting = () => {
    clearTimeout(tooSlow);
    silent.delete(socket);
  };
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < HTTP2_PREFACE.length) return;
    const isHttp2 = received.subarray(0, HTTP2_PREFACE.length).toString('latin1') === HTTP2_PREFACE;
    stopWaiting();
    socket.off('error', onError);
    socket.off('data', onData);
    socket.pause();
    socket.unshift(received);
    socket.allowHalfOpen = !isHttp2;
    onSpeaking(socket, isHttp2 ? 'http2' : 'http1');
  };
  silent.add(socket);
  socket.on('data', onData);
  socket.on('error', onError);
  socket.once('close', stopWaiting);
}

/** Listens, and answers the port that was bound. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new TypeError('a TCP port was bound'));
      else resolve(address.port);
    });
  });
}
