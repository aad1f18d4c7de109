import { INVALID_SPAN_CONTEXT, TraceFlags } from '@opentelemetry/api';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { endDecisionSpan, runInSpan, startDecisionSpan, startUnitSpan } from '../../src/observability/spans.ts';
import { createObservability, type Observability } from '../../src/observability.ts';
import { metricsHandler } from '../../src/telemetry.ts';

const CALLER = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: TraceFlags.NONE };

describe('metrics', () => {
  const lines: Record<string, unknown>[] = [];
  let observability: Observability;

  beforeAll(() => {
    observability = createObservability(createLogger('debug', { write: (line) => lines.push(JSON.parse(line)) }));
  });

  it('keep few series, however many names come from outside', async () => {
    for (let index = 0; index < 500; index += 1) observability.recordInbound(`event-${index}`, 'REJECTED');
    const series = (await readMetrics()).match(/^earmark_inbound_messages_total\{.*$/gm) ?? [];
    expect(series).toHaveLength(65);
    expect(series.filter((line) => line.includes('event="other"'))).toEqual([expect.stringMatching(/ 436$/)]);
  });

  it('leave out a backlog that cannot be read, and show the others', async () => {
    const stop = observability.observeOutbox(() => Promise.reject(new Error('the database is away')));
    let depth = 3;
    const stopQueue = observability.observeQueue(() => depth++);
    const text = await readMetrics();
    expect(text).not.toMatch(/^earmark_outbox_rows/m);
    expect(text).toMatch(/^earmark_queue_depth\{.*\} 3$/m);
    stop();
    stopQueue();
    await readMetrics();
    expect(depth).toBe(4);
  });

  it('read a slow backlog once for all who ask, and answer without it', async () => {
    let reads = 0;
    const stop = observability.observeOutbox(() => {
      reads += 1;
      return new Promise(() => undefined);
    });
    const texts = await Promise.all([readMetrics(), readMetrics()]);
    stop();
    expect(reads).toBe(1);
    for (const text of texts) expect(text).not.toMatch(/^earmark_outbox_rows/m);
  });

  it('warn when an expiry was announced too late, and when the ledger drifted', () => {
    lines.length = 0;
    observability.recordExpiry(10, 4_999);
    observability.recordExpiry(10, 5_001);
    observability.recordExpiry();
    observability.recordLedgerDrift(0);
    observability.recordLedgerDrift(2);
    expect(lines.map((line) => [line.level, line.event])).toEqual([
      ['debug', 'expired'],
      ['warn', 'expired-late'],
      ['info', 'ledger-verified'],
      ['error', 'ledger-drift'],
    ]);
  });
});

describe('spans of a unit, where nothing is recorded', () => {
  it('keep the trace of the first command', () => {
    const unit = startUnitSpan(CALLER, 2);
    expect(unit.isRecording()).toBe(false);
    expect(unit.spanContext().traceId).toBe(CALLER.traceId);
  });

  it('begin a trace where the first command has none', () => {
    expect(startUnitSpan(null, 1).spanContext().traceId).not.toBe(INVALID_SPAN_CONTEXT.traceId);
  });

  it('are nothing for a command without a trace', () => {
    const span = startDecisionSpan(null, startUnitSpan(CALLER, 2).spanContext(), 'expire');
    expect(span.spanContext()).toEqual(INVALID_SPAN_CONTEXT);
    endDecisionSpan(span, '');
  });

  it('pass the value of the work through', () => {
    expect(runInSpan(startUnitSpan(null, 1), () => 7)).toBe(7);
  });
});

function readMetrics(): Promise<string> {
  return new Promise((resolve) => {
    metricsHandler(undefined, { statusCode: 200, setHeader: () => undefined, end: resolve });
  });
}
