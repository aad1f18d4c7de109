import { describe, expect, it } from 'vitest';
import { runObserved } from '../support/observed-run.ts';

const RECEIVER_GONE = 'http://127.0.0.1:9';

describe('GET /metrics', () => {
  it('shows every metric under its Prometheus name, with the numbers recorded', async () => {
    const run = await runObserved({});
    expect(run.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const values = new Map(
      run.metrics
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.replace(/,?otel_scope_name="earmark"/, '').replace('{}', ''), line] as const)
        .map(([line]) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
    expect(Object.fromEntries(values)).toMatchObject({
      'earmark_rpc_duration_seconds_count{rpc="Reserve",code="OK"}': 1,
      'earmark_rpc_duration_seconds_sum{rpc="Reserve",code="OK"}': 0.003,
      'earmark_unit_duration_seconds_count{retried="false"}': 1,
      earmark_unit_commands_sum: 3,
      earmark_unit_lines_sum: 3,
      earmark_unit_refused_total: 1,
      'earmark_unit_failures_total{reason="40P01"}': 1,
      'earmark_reservations_total{kind="reserved"}': 1,
      'earmark_refusals_total{command="reserve",reason="NO_STOCK"}': 1,
      earmark_expiry_lateness_seconds_count: 2,
      'earmark_relay_messages_total{topic="reservation"}': 7,
      'earmark_relay_publish_duration_seconds_count{topic="reservation"}': 1,
      'earmark_inbound_messages_total{event="pick-started",verdict="ACCEPTED"}': 1,
      earmark_ledger_drifts: 0,
      earmark_queue_depth: 5,
      earmark_outbox_rows: 9,
      earmark_outbox_age_seconds: 1.5,
      'earmark_streams{kind="availability"}': 2,
    });
  });

  it('bounds the durations by the buckets chosen for them', async () => {
    const { metrics } = await runObserved({});
    expect(metrics).toMatch(/earmark_expiry_lateness_seconds_bucket\{.*le="5"\} 1\n/);
    expect(metrics).toMatch(/earmark_expiry_lateness_seconds_bucket\{.*le="10"\} 2\n/);
  });
});

describe('the process', () => {
  it('writes nothing to standard error but JSON lines', async () => {
    const { standardError } = await runObserved({ OTEL_SERVICE_NAME: 'earmark-eu' });
    const lines = standardError.trim().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('event');
  });

  it('takes its service name from OTEL_SERVICE_NAME', async () => {
    const { metrics } = await runObserved({ OTEL_SERVICE_NAME: 'earmark-eu' });
    expect(metrics).toContain('service_name="earmark-eu"');
  });

  it('measures nothing when OTEL_SDK_DISABLED is true', async () => {
    const run = await runObserved({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: RECEIVER_GONE });
    expect(run.metrics).toBe('');
    expect(run.traceId).toBe('0'.repeat(32));
  });

  it('gives up after two seconds when the receiver is gone, and says so', async () => {
    const run = await runObserved({ OTEL_EXPORTER_OTLP_ENDPOINT: RECEIVER_GONE });
    expect(run.isShutDown).toBe(false);
    expect(run.shutdownMs).toBeGreaterThanOrEqual(1_990);
    expect(run.shutdownMs).toBeLessThan(4_000);
  });
});
