import { describe, expect, test } from 'vitest';
import { startCallSpan } from '../../src/transport/tracing.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

function spanOf(headers: Record<string, string>) {
  return startCallSpan('earmark.v1.ReservationService', 'Reserve', (name) => headers[name], true).spanContext;
}

describe('without an exporter', () => {
  test('a caller without a trace gets a new one each time', () => {
    const ids = Array.from({ length: 1_000 }, () => spanOf({}));
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(1_000);
    expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(1_000);
    for (const { traceId, spanId, traceFlags } of ids) {
      expect(`${traceId} ${spanId} ${traceFlags}`).toMatch(/^[0-9a-f]{32} [0-9a-f]{16} 0$/);
    }
  });

  test('the trace of the caller goes on under a span of ours', () => {
    const span = spanOf({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: 'vendor=1' });
    expect(span).toMatchObject({ traceId: TRACE_ID, traceFlags: 1 });
    expect(span.spanId).not.toBe(SPAN_ID);
    expect(span.traceState?.serialize()).toBe('vendor=1');
  });

  test.each([
    'nonsense',
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-01-more`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
  ])('a traceparent of %s is none', (traceparent) => {
    expect(spanOf({ traceparent }).traceId.toLowerCase()).not.toBe(TRACE_ID);
  });

  test('a later version of the header is understood', () => {
    expect(spanOf({ traceparent: `01-${TRACE_ID}-${SPAN_ID}-01-more` }).traceId).toBe(TRACE_ID);
  });
});
