import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';

export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** What the pages need of a response over either version of HTTP. */
export interface HttpResponse {
  statusCode: number;
  setHeader(name: string, value: string | number): unknown;
  end(body: string): unknown;
}

/** Whether calls can be answered; names of what is missing otherwise, such as `postgres` or `draining`. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly missing: readonly string[] };

export interface PageOptions {
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Writes the Prometheus text. */
  readonly metrics: (request: HttpRequest, response: HttpResponse) => void;
}

const ROOT_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Earmark</title></head>
<body>
<h1>Earmark</h1>
<p>Holds the replacement item for a customer exchange. Call it by Connect, gRPC-Web or JSON on this port.</p>
<ul>
<li><a href="/readyz">/readyz</a>: whether it can answer, and what is missing</li>
<li><a href="/livez">/livez</a>: whether it runs</li>
<li><a href="/metrics">/metrics</a>: Prometheus text</li>
</ul>
</body>
</html>
`;

/** Answers everything on the HTTP port that is no RPC. */
export function createPages(options: PageOptions): (request: HttpRequest, response: HttpResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') sendText(response, 404, 'not found\n');
    else if (path === '/') send(response, 200, 'text/html; charset=utf-8', ROOT_PAGE);
    else if (path === '/livez') sendText(response, 200, 'ok\n');
    else if (path === '/readyz') void sendReadiness(response, options.readiness);
    else if (path === '/metrics') options.metrics(request, response);
    else sendText(response, 404, 'not found\n');
  };
}

async function sendReadiness(response: HttpResponse, readiness: PageOptions['readiness']): Promise<void> {
  const answer = await Promise.resolve()
    .then(readiness)
    .catch((): Readiness => ({ ready: false, missing: ['readiness check'] }));
  if (answer.ready) sendText(response, 200, 'ok\n');
  else sendText(response, 503, `not ready: ${answer.missing.join(', ')}\n`);
}

function sendText(response: HttpResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text);
}

function send(response: HttpResponse, status: number, type: string, body: string): void {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-store');
  response.end(body);
}
