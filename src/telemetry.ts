import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import {
  defaultResource,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  type IMetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { AlwaysOffSampler, NoopSpanProcessor, ParentBasedSampler } from '@opentelemetry/sdk-trace';
import { readTelemetryEnv, type TelemetryEnvironment } from './config.ts';

const SERVICE_NAME = 'earmark';
const SHUTDOWN_TIMEOUT_MS = 2_000;
const METRIC_EXPORT_INTERVAL_MS = 15_000;
const METRIC_EXPORT_TIMEOUT_MS = 5_000;
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The part of an HTTP/1.1 or HTTP/2 response that serving the metrics needs. */
export interface MetricsResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

const environment = readTelemetryEnv();
const scraped = new PrometheusExporter({ preventServerStart: true });
const serializer = new PrometheusSerializer();
const sdk = environment.isDisabled ? null : startSdk(environment, scraped);

/** Answers `GET /metrics` in the Prometheus text format; with no metrics at all while `OTEL_SDK_DISABLED` is true. */
export function metricsHandler(_request: unknown, response: MetricsResponse): void {
  response.setHeader('content-type', CONTENT_TYPE);
  if (sdk === null) {
    response.end('');
    return;
  }
  scraped.collect().then(
    ({ resourceMetrics }) => response.end(serializer.serialize(withUnitsInNames(resourceMetrics))),
    () => {
      response.statusCode = 500;
      response.end('# the metrics could not be collected\n');
    },
  );
}

/**
 * Sends what is pending and stops. Waits at most two seconds and never rejects, for the receiver may be gone.
 * @returns whether all was over in time; if not, attempts to send keep the process alive for up to ten seconds.
 */
export async function shutdownTelemetry(): Promise<boolean> {
  if (sdk === null) return true;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, SHUTDOWN_TIMEOUT_MS, false);
  });
  const stopped = sdk.shutdown().then(
    () => true,
    // A receiver that refuses the last data is none of the caller's concern.
    () => true,
  );
  const isOver = await Promise.race([stopped, timeout]);
  clearTimeout(timer);
  return isOver;
}

function startSdk(telemetry: TelemetryEnvironment, prometheus: PrometheusExporter): NodeSDK {
  const configuration: Partial<NodeSDKConfiguration> = {
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': SERVICE_NAME })),
    metricReaders: [prometheus, ...(telemetry.exportsMetrics ? [createMetricSender(telemetry)] : [])],
    // Logs go to standard error, where whoever runs the process collects them.
    logRecordProcessors: [],
    ...(telemetry.choosesDetectors ? {} : { resourceDetectors: [envDetector, serviceInstanceIdDetector] }),
    ...(telemetry.exportsTraces ? withTracing() : withTraceIdsOnly()),
  };
  const started = new NodeSDK(configuration);
  started.start();
  return started;
}

/** The SDK itself makes exporter, protocol, batching and sampler from `OTEL_*`. */
function withTracing(): Partial<NodeSDKConfiguration> {
  return { instrumentations: [new PgInstrumentation({ requireParentSpan: true })] };
}

/** Spans get ids, so that the logs, events and messages of one call can be told by them, but record nothing. */
function withTraceIdsOnly(): Partial<NodeSDKConfiguration> {
  return {
    spanProcessors: [new NoopSpanProcessor()],
    sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  };
}

function createMetricSender(telemetry: TelemetryEnvironment): IMetricReader {
  const exportIntervalMillis = telemetry.metricExportIntervalMs ?? METRIC_EXPORT_INTERVAL_MS;
  return new PeriodicExportingMetricReader({
    exporter: createMetricExporter(telemetry.metricsProtocol),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(METRIC_EXPORT_TIMEOUT_MS, exportIntervalMillis),
  });
}

function createMetricExporter(protocol: string): PushMetricExporter {
  if (protocol === 'grpc') return new GrpcMetricExporter();
  return protocol === 'http/json' ? new JsonMetricExporter() : new ProtobufMetricExporter();
}

/** Prometheus names carry the unit. Receivers of OTLP add it themselves, so both ways end at the same name. */
function withUnitsInNames(metrics: ResourceMetrics): ResourceMetrics {
  return {
    ...metrics,
    scopeMetrics: metrics.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.map((metric) =>
        metric.descriptor.unit === 's'
          ? {
              ...metric,
              descriptor: { ...metric.descriptor, name: `${metric.descriptor.name}_seconds`, unit: 'seconds' },
            }
          : metric,
      ),
    })),
  };
}
