import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as it arrived, in the names of OTLP/JSON. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
  readonly events?: readonly { readonly name: string }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`, together with `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`. */
  readonly url: string;
  spans(): readonly ReceivedSpan[];
  metricNames(): ReadonlySet<string>;
  /** Everything that arrived, as text. */
  everything(): string;
  /** Resolves once the predicate holds, looking after each arrival. @throws Error after `timeoutMs` */
  waitFor(isThere: (receiver: OtlpReceiver) => boolean, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

interface TraceBody {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[] }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
  }[];
}

const DEFAULT_TIMEOUT_MS = 20_000;
const BODIES_MAX = 10_000;

/** Starts a receiver of OpenTelemetry data over HTTP with JSON, on a free loopback port. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const bodies: TraceBody[] = [];
  const arrivals = new EventTarget();
  const server = createServer((request: IncomingMessage, response) => {
    json(request).then(
      (body) => {
        if (bodies.length < BODIES_MAX) bodies.push(body as TraceBody);
        response.setHeader('content-type', 'application/json').end('{}');
        arrivals.dispatchEvent(new Event('arrival'));
      },
      () => response.writeHead(400).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () =>
      bodies.flatMap((body) => body.resourceSpans ?? []).flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)),
    metricNames: () => {
      const scopes = bodies.flatMap((body) => body.resourceMetrics ?? []).flatMap((each) => each.scopeMetrics);
      return new Set(scopes.flatMap((scope) => scope.metrics.map((metric) => metric.name)));
    },
    everything: () => JSON.stringify(bodies),
    async waitFor(isThere, timeoutMs = DEFAULT_TIMEOUT_MS) {
      const signal = AbortSignal.timeout(timeoutMs);
      while (!isThere(receiver)) {
        await once(arrivals, 'arrival', { signal }).catch((cause: unknown) => {
          const names = receiver.spans().map((span) => span.name);
          throw new Error(`Awaited telemetry did not arrive; spans so far: ${names.join(', ')}`, { cause });
        });
      }
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return receiver;
}
