import { createServer as createHttp1Server, type Server as Http1Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { ROUTER_OPTIONS, registerRoutes } from './connect-routes.ts';
import { MAX_STREAM_DEADLINE_MS } from './deadline.ts';
import { CONCURRENT_CALLS_MAX, type Door, HEADER_LIST_MAX_BYTES, IDLE_CONNECTION_MS } from './door.ts';
import { createSniffingPort, listen, type SniffingPort } from './first-bytes.ts';
import { createPages, type HttpRequest, type PageOptions } from './http-pages.ts';
import type { Pipeline } from './pipeline.ts';
import type { Rpc } from './rpc.ts';

/** How long the headers of an HTTP/1.1 request may take, in milliseconds. */
const HEADERS_MAX_MS = 10_000;

/** How long a whole HTTP/1.1 request may take to arrive, in milliseconds. */
const REQUEST_MAX_MS = 15_000;

/** How often HTTP/1.1 connections are held against those bounds, in milliseconds. */
const CHECK_INTERVAL_MS = 5_000;

/** How often a stopping door closes HTTP/1.1 connections that have become idle, in milliseconds. */
const IDLE_SWEEP_MS = 100;

/** Streams one connection may reset at once, and per second after that. */
const RESET_BURST = 200;
const RESET_RATE_PER_SECOND = 33;

export interface ConnectDoorOptions extends PageOptions {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly rpcs: readonly Rpc[];
}

/** Opens the HTTP port: Connect, gRPC-Web and JSON over HTTP/1.1 and HTTP/2, and the pages for people and probes. */
export async function startConnectDoor(options: ConnectDoorOptions): Promise<Door> {
  const rpcHandler = connectNodeAdapter({
    ...ROUTER_OPTIONS,
    routes: (router) => registerRoutes(router, options.pipeline, options.rpcs),
    fallback: createPages(options),
  });
  const handler = (request: Parameters<typeof rpcHandler>[0], response: Parameters<typeof rpcHandler>[1]) => {
    boundTimeout(request);
    rpcHandler(request, response);
  };
  const http1 = createHttp1Server(
    {
      maxHeaderSize: HEADER_LIST_MAX_BYTES,
      headersTimeout: HEADERS_MAX_MS,
      requestTimeout: REQUEST_MAX_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAliveTimeout: IDLE_CONNECTION_MS,
    },
    handler,
  );
  http1.timeout = IDLE_CONNECTION_MS;
  // Starts the checks of slow connections, which otherwise wait for a listener of its own.
  http1.emit('listening');
  const http2 = createHttp2Server(
    {
      settings: { maxConcurrentStreams: CONCURRENT_CALLS_MAX, maxHeaderListSize: HEADER_LIST_MAX_BYTES },
      streamResetBurst: RESET_BURST,
      streamResetRate: RESET_RATE_PER_SECOND,
    },
    handler,
  );
  const sessions = trackSessions(http2);
  const listening = createSniffingPort((socket, protocol) => {
    (protocol === 'http2' ? http2 : http1).emit('connection', socket);
    if (protocol === 'http1') socket.resume();
  });
  const port = await listen(listening.server, options.host, options.port);
  return { port, stop: (graceMs) => stop(listening, http1, sessions, graceMs) };
}

/** A timeout longer than a timer can hold would fire at once, so the longest one stands for all longer ones. */
function boundTimeout(request: HttpRequest): void {
  const connectTimeout = request.headers['connect-timeout-ms'];
  if (typeof connectTimeout === 'string' && Number(connectTimeout) > MAX_STREAM_DEADLINE_MS) {
    request.headers['connect-timeout-ms'] = String(MAX_STREAM_DEADLINE_MS);
  }
  const grpcTimeout = request.headers['grpc-timeout'];
  if (typeof grpcTimeout === 'string' && /^\d+[HMS]$/.test(grpcTimeout)) {
    const unitSeconds = { H: 3_600, M: 60, S: 1 }[grpcTimeout.at(-1) as 'H' | 'M' | 'S'];
    const seconds = Number(grpcTimeout.slice(0, -1)) * unitSeconds;
    if (seconds * 1_000 > MAX_STREAM_DEADLINE_MS)
      request.headers['grpc-timeout'] = `${MAX_STREAM_DEADLINE_MS / 1_000}S`;
  }
}

function trackSessions(http2: Http2Server): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_CONNECTION_MS, () => session.close());
    session.once('close', () => sessions.delete(session));
  });
  http2.on('sessionError', (_error: Error, session: ServerHttp2Session) => session.destroy());
  return sessions;
}

function stop(
  listening: SniffingPort,
  http1: Http1Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  graceMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      for (const session of sessions) session.destroy();
      http1.closeAllConnections();
    }, graceMs);
    const sweep = setInterval(() => http1.closeIdleConnections(), IDLE_SWEEP_MS);
    listening.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      http1.close();
      resolve();
    });
    for (const session of sessions) session.close();
    http1.closeIdleConnections();
  });
}
