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
import { type IMetricReader, PeriodicExportingMetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
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

/** Sends what is pending and stops. Waits at most two seconds and never rejects: the receiver may be gone. */
export async function shutdownTelemetry(): Promise<void> {
  if (sdk === null) return;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SHUTDOWN_TIMEOUT_MS);
  });
  await Promise.race([sdk.shutdown().catch(() => undefined), timeout]);
  clearTimeout(timer);
}

function startSdk(telemetry: TelemetryEnvironment, prometheus: PrometheusExporter): NodeSDK {
  const configuration: Partial<NodeSDKConfiguration> = {
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': SERVICE_NAME })),
    metricReaders: [prometheus, ...(telemetry.exportsMetrics ? [createMetricSender(telemetry)] : [])],
    // Logs go to standard error, whoever runs the process collects them.
    logRecordProcessors: [],
    // pg is instrumented only where its spans go somewhere; it must be patched before anything loads it.
    instrumentations: telemetry.exportsTraces ? [new PgInstrumentation({ requireParentSpan: true })] : [],
    ...(telemetry.choosesDetectors ? {} : { resourceDetectors: [envDetector, serviceInstanceIdDetector] }),
    // Without a list the SDK makes the exporter, its protocol and its batching from OTEL_* itself.
    ...(telemetry.exportsTraces ? {} : { spanProcessors: [] }),
  };
  const started = new NodeSDK(configuration);
  started.start();
  return started;
}

function createMetricSender(telemetry: TelemetryEnvironment): IMetricReader {
  const exportIntervalMillis = telemetry.metricExportIntervalMs ?? METRIC_EXPORT_INTERVAL_MS;
  return new PeriodicExportingMetricReader({
    exporter: telemetry.metricsProtocol === 'http/json' ? new JsonMetricExporter() : new ProtobufMetricExporter(),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(METRIC_EXPORT_TIMEOUT_MS, exportIntervalMillis),
  });
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
