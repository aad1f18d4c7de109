import type { Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';

/** How long a connection may take to send its first bytes, in milliseconds. */
export const FIRST_BYTES_MAX_MS = 10_000;

/** Connections the port accepts at a time. */
export const CONNECTIONS_MAX = 2_000;

const HTTP2_PREFACE = 'PRI';

/** One port for HTTP/1.1 and for HTTP/2 without TLS: the first bytes of a connection tell which it speaks. */
export function createSharedPort(http1: Http1Server, http2: Http2Server): Server {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => sniff(socket, http1, http2));
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function sniff(socket: Socket, http1: Http1Server, http2: Http2Server): void {
  let received = Buffer.alloc(0);
  const tooSlow = setTimeout(() => socket.destroy(), FIRST_BYTES_MAX_MS);
  const onError = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < HTTP2_PREFACE.length) return;
    const isHttp2 = received.subarray(0, HTTP2_PREFACE.length).toString('latin1') === HTTP2_PREFACE;
    stopWaiting();
    socket.allowHalfOpen = !isHttp2;
    socket.off('error', onError);
    socket.off('data', onData);
    socket.pause();
    socket.unshift(received);
    (isHttp2 ? http2 : http1).emit('connection', socket);
    if (!isHttp2) socket.resume();
  };
  const stopWaiting = () => clearTimeout(tooSlow);
  socket.on('data', onData);
  socket.on('error', onError);
  socket.once('close', stopWaiting);
}
